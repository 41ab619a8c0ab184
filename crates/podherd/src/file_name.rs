//! Ids of containers and pods become file names: one rule for what can be one.

/// Says why `text` can't be a file name of at most `longest` bytes, if so: letters, digits, `_`, `+`, `-` and `.`,
/// as the runtimes allow in a container's id; neither `.` nor `..`.
pub fn check(text: &str, longest: usize) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.len() > longest {
        return Err(format!("is longer than {longest} bytes"));
    }
    if text == "." || text == ".." {
        return Err("can't be a file name".into());
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte))
    {
        return Err("has characters other than letters, digits, '_', '+', '-' and '.'".into());
    }
    Ok(())
}
