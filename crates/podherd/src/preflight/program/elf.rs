//! The head of an ELF file (elf(5)): for which machine it is, and which loader it wants. It is anybody's bytes:
//! every offset in it is checked, and nothing is read that it merely claims.

use super::host;
use crate::preflight::files::Reader;

/// What the kernel looks at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// `EI_CLASS`: 32 or 64 bits.
    pub bits: u8,
    /// `EI_DATA`, which the kernel itself does not look at.
    pub big_endian: bool,
    /// `e_machine`.
    pub machine: u16,
    /// `PT_INTERP`: the path of the loader.
    pub loader: Option<Vec<u8>>,
}

/// Begins every ELF file.
pub const MAGIC: &[u8] = b"\x7fELF";

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_INTERP: u32 = 3;
/// The kernel takes no more of program headers (fs/binfmt_elf.c), and no longer path.
const LARGEST_TABLE: usize = 65_536;
const LONGEST_PATH: u64 = 4096;

/// Reads the head of a file that begins with [`MAGIC`], for a kernel of the machine `own`. `read` gives the bytes at an offset, fewer at the end.
/// The error says why the kernel will not run it.
pub fn parse(
    own: Option<u16>,
    mut read: impl FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
) -> Result<Elf, String> {
    let mut bytes = |offset, length| {
        let bytes = read(offset, length).map_err(|error| error.to_string())?;
        if bytes.len() < length {
            return Err("it is cut off".to_owned());
        }
        Ok(bytes)
    };
    let ident = bytes(0, 20)?;
    let native = u16::from_ne_bytes([ident[18], ident[19]]);
    let field = if Some(native) == own && bytes(54, 2).is_ok_and(|size| size == 56_u16.to_ne_bytes()) {
        // The kernel asks neither for the class nor for the byte order when the machine is its own.
        Fields {
            wide: true,
            big_endian: cfg!(target_endian = "big"),
        }
    } else {
        let wide = match ident[4] {
            1 => false,
            2 => true,
            _ => return Err("it is neither of 32 nor of 64 bits".into()),
        };
        let big_endian = match ident[5] {
            1 => false,
            2 => true,
            _ => return Err("its byte order is none".into()),
        };
        Fields { wide, big_endian }
    };
    let Fields { wide, big_endian } = field;
    let head = bytes(0, if wide { 64 } else { 52 })?;
    let kind = field.half(&head, 16);
    if kind != ET_EXEC && kind != ET_DYN {
        return Err("it is no program but an object or core file".into());
    }
    let (table_at, entry_at) = if wide { (32, 54) } else { (28, 42) };
    let table = field.address(&head, table_at);
    let (entry, count) = (
        usize::from(field.half(&head, entry_at)),
        usize::from(field.half(&head, entry_at + 2)),
    );
    if entry != if wide { 56 } else { 32 } || count == 0 || entry * count > LARGEST_TABLE {
        return Err("its program headers are not in order".into());
    }
    let headers = bytes(table, entry * count)?;
    let interpreter = headers
        .chunks_exact(entry)
        .find(|header| field.word(header, 0) == PT_INTERP);
    let loader = match interpreter {
        None => None,
        Some(header) => {
            let (offset_at, size_at) = if wide { (8, 32) } else { (4, 16) };
            let (offset, size) = (field.address(header, offset_at), field.address(header, size_at));
            if !(2..=LONGEST_PATH).contains(&size) {
                return Err("the path of its loader has no possible length".into());
            }
            let path = bytes(offset, size as usize)?;
            if path.last() != Some(&0) {
                return Err("the path of its loader does not end".into());
            }
            Some(path.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
        }
    };
    Ok(Elf {
        bits: if wide { 64 } else { 32 },
        big_endian,
        machine: field.half(&head, 18),
        loader,
    })
}

/// The same of a file.
pub fn read(file: &Reader) -> Result<Elf, String> {
    parse(host::machine(), |offset, length| file.read(offset, length))
}

/// How numbers are written.
struct Fields {
    wide: bool,
    big_endian: bool,
}

impl Fields {
    fn number(&self, bytes: &[u8], offset: usize, size: usize) -> u64 {
        let bytes = bytes.get(offset..offset + size).unwrap_or_default();
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        }
    }

    fn half(&self, bytes: &[u8], offset: usize) -> u16 {
        self.number(bytes, offset, 2) as u16
    }

    fn word(&self, bytes: &[u8], offset: usize) -> u32 {
        self.number(bytes, offset, 4) as u32
    }

    fn address(&self, bytes: &[u8], offset: usize) -> u64 {
        self.number(bytes, offset, if self.wide { 8 } else { 4 })
    }
}

#[cfg(test)]
mod tests;
