//! Keeps the addon mapped when Node unloads it at the end of a worker thread: the event loop's thread may
//! still be in its code then (ld(1), `-z nodelete`).

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
