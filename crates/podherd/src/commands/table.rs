//! Tables for people.

use std::io;

use rustix::termios::tcgetwinsize;

/// Lines of equal columns. The first column gives way where a terminal is too narrow; what is not a terminal gets
/// everything.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    fit(head, rows, terminal_width())
}

fn terminal_width() -> Option<usize> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&width| width > 0)
}

fn fit(head: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<_> = head.iter().map(|name| name.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    if let Some(width) = width {
        let total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        if let Some(first) = widths.first_mut() {
            *first = first
                .saturating_sub(total.saturating_sub(width))
                .max(NARROWEST.min(*first));
        }
    }
    let head: Vec<_> = head.iter().map(|&name| name.to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| padded(cell, width));
        let line = cells.collect::<Vec<_>>().join(GAP);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

const GAP: &str = "  ";

/// Less of an id would tell nothing.
const NARROWEST: usize = 13;

fn padded(cell: &str, width: usize) -> String {
    let length = cell.chars().count();
    if length > width {
        return cell.chars().take(width.saturating_sub(1)).chain(['…']).collect();
    }
    format!("{cell}{}", " ".repeat(width - length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_is_too_narrow_cuts() {
        let id = "a".repeat(40);
        let rows = [
            vec![id.clone(), "running".into()],
            vec!["b".into(), "exited".into()],
        ];
        let whole = fit(&["ID", "STATE"], &rows, None);
        assert!(
            whole.contains(&format!("{id}  running\n")) && whole.contains("exited\n"),
            "{whole}"
        );
        let cut = fit(&["ID", "STATE"], &rows, Some(30));
        assert!(
            cut.lines().all(|line| line.chars().count() <= 30) && cut.contains('…'),
            "{cut}"
        );
        assert!(fit(&["ID", "STATE"], &rows, Some(5)).contains("aaaaaaaaaaaa…  running"));
    }
}
