//! The forms in which cgroup files say numbers: one alone, `KEY NUMBER` a line, and pairs `KEY=NUMBER`.
//! See cgroup-v2.rst, "Format".

/// From here on a bound is none: version 1 says "unlimited" as the largest number of whole pages, and pages have
/// up to 64 KiB.
const UNLIMITED: u64 = (i64::MAX as u64) & !0xffff;

/// The number that is the whole text. One that is too large for 64 bits is the largest; anything else is 0.
pub(super) fn number(text: &str) -> u64 {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(u64::MAX)
}

/// The bound that is the whole text; 0 for none: `max`, or what version 1 says for it.
pub(super) fn limit(text: &str) -> u64 {
    Some(number(text)).filter(|limit| *limit < UNLIMITED).unwrap_or(0)
}

/// The number after `key` at the start of a line.
pub(super) fn keyed(text: &str, key: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
        .map_or(0, number)
}

/// The sum of all numbers after `key=`, whichever line they are on.
pub(super) fn paired_sum(text: &str, key: &str) -> u64 {
    text.split_ascii_whitespace()
        .filter_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
        .map(number)
        .fold(0, u64::saturating_add)
}

/// The sum of the last numbers of all lines `DEVICE OPERATION NUMBER`, as version 1's block I/O has them.
pub(super) fn operation_sum(text: &str, operation: &str) -> u64 {
    let of = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        (fields.next()? == operation).then(|| fields.next().map_or(0, number))
    };
    text.lines().filter_map(of).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_or_0() {
        let huge = "340282366920938463463374607431768211456";
        for (text, expected) in [
            ("42\n", 42),
            ("18446744073709551615\n", u64::MAX),
            (huge, u64::MAX),
            ("", 0),
            ("max\n", 0),
            ("-1\n", 0),
            ("4 2", 0),
            ("0x10", 0),
            ("+5", 0),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_bound_may_be_none() {
        for (text, expected) in [
            ("33554432\n", 33_554_432),
            ("max\n", 0),
            // With pages of 4 and of 64 KiB.
            ("9223372036854771712\n", 0),
            ("9223372036854710272\n", 0),
            ("18446744073709551615\n", 0),
            ("0\n", 0),
            ("", 0),
        ] {
            assert_eq!(limit(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_key_is_the_whole_first_word() {
        let text = "total_inactive_file 7\ninactive_file 5\nanon_thp 9\nanon 3\nodd\nempty \nwords a b\n";
        for (key, expected) in [
            ("inactive_file", 5),
            ("anon", 3),
            ("odd", 0),
            ("empty", 0),
            ("words", 0),
            ("missing", 0),
        ] {
            assert_eq!(keyed(text, key), expected, "{key}");
        }
    }

    #[test]
    fn pairs_are_added_whichever_line_they_are_on() {
        // Some kernels forget the newline after a device that has counted nothing.
        let text = "8:16 8:0 rbytes=10 wbytes=1 rios=2\n253:0 rbytes=30 wbytes=x rios\n=5 xrbytes=9\n";
        assert_eq!(paired_sum(text, "rbytes"), 40);
        assert_eq!(paired_sum(text, "wbytes"), 1);
        assert_eq!(paired_sum(text, "rios"), 2);
        assert_eq!(paired_sum(text, "dbytes"), 0);
        let two = format!("1:0 rbytes={0}\n2:0 rbytes={0}\n", u64::MAX);
        assert_eq!(paired_sum(&two, "rbytes"), u64::MAX);
    }

    #[test]
    fn operations_of_all_devices_are_added_without_their_total() {
        let text = "8:0 Read 4096\n8:0 Write 100\n8:0 Total 4196\n7:1 Read 4\n7:1 Read\nTotal 4200\nRead 9\n";
        assert_eq!(operation_sum(text, "Read"), 4100);
        assert_eq!(operation_sum(text, "Write"), 100);
        assert_eq!(operation_sum("Total 0\n", "Read"), 0);
    }
}
