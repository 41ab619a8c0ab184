//! What an idle server costs: after a second in which nobody asked for anything, the pages of its code
//! are unmapped. The kernel maps sixteen at each fault, whether they are used or not, so that they come to
//! two thirds of what is counted as its memory; those that the next call needs come back from the page cache.

use std::ffi::c_void;
use std::fs;
use std::time::Duration;

use rustix::mm::Advice;
use tokio::sync::Notify;

/// Long enough that a busy server never does it.
const QUIET: Duration = Duration::from_secs(1);

/// Unmaps the code each time that `asked` has been told of a call and then of none for a while. Never ends.
pub async fn trim_when_quiet(asked: &Notify) {
    loop {
        while tokio::time::timeout(QUIET, asked.notified()).await.is_ok() {}
        trim();
        asked.notified().await;
    }
}

fn trim() {
    ProgramText::of_this_process().unmap();
}

/// Where the code of this process is mapped.
pub(crate) struct ProgramText(Vec<(usize, usize)>);

impl ProgramText {
    /// Empty where `/proc` does not tell.
    pub(crate) fn of_this_process() -> Self {
        let (Ok(maps), Ok(binary)) = (
            fs::read_to_string("/proc/self/maps"),
            fs::read_link("/proc/self/exe"),
        ) else {
            return Self(Vec::new());
        };
        let ours = |line: &&str| line.ends_with(&*binary.to_string_lossy());
        Self(maps.lines().filter(ours).filter_map(code).collect())
    }

    /// Unmaps its pages, until they are used again.
    pub(crate) fn unmap(&self) {
        for (start, length) in &self.0 {
            // SAFETY: a private mapping of a file, executable and not writable, so that nothing in it can differ
            // from the file: what is dropped is read again, unchanged, at the next access (madvise(2)). The binary's
            // own code stays mapped for as long as it runs.
            let result =
                unsafe { rustix::mm::madvise(*start as *mut c_void, *length, Advice::LinuxDontNeed) };
            if let Err(error) = result {
                tracing::debug!(%error, "the pages of the code stay mapped");
            }
        }
    }
}

/// Address and length of a mapping of code, from a line of proc_pid_maps(5): `start-end r-xp …`.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split(' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let (start, end) = (address(start)?, address(end)?);
    (fields.next()? == "r-xp").then_some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_code_and_nothing_that_could_have_been_written() {
        assert_eq!(
            code("7f00-8f00 r-xp 00014000 fe:00 53 /bin/podherd"),
            Some((0x7f00, 0x1000))
        );
        for other in ["r--p", "rw-p", "rwxp", "r-xs"] {
            assert_eq!(code(&format!("7f00-8f00 {other} 0 fe:00 53 /bin/podherd")), None);
        }
        assert_eq!(code("garbage"), None);
    }

    #[test]
    fn the_code_goes_on_after_it() {
        trim();
        assert_eq!(code("10-20 r-xp 0"), Some((0x10, 0x10)));
    }
}
