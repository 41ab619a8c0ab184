//! Header blocks: name and value pairs, compressed over the whole connection with one zlib state (section
//! 2.6.10).

use flate2::{Decompress, FlushDecompress, Status};

use super::dictionary::dictionary;

/// Bytes of a block, decompressed, at most.
const MAX_BYTES: usize = 16 << 10;

/// Header fields of a block, at most.
const MAX_FIELDS: usize = 64;

/// The fields of one block, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<(String, String)>,
}

/// Decompresses the blocks of one connection.
pub struct HeaderReader {
    zlib: Decompress,
}

impl Headers {
    /// The value of a field, whose name must be in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(known, _)| known == name)?;
        Some(&field.1)
    }

    /// These fields, for tests.
    #[cfg(test)]
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            fields: fields.iter().map(owned).collect(),
        }
    }

    /// `None`: the block is broken, or has too much in it.
    fn parse(mut block: &[u8]) -> Option<Self> {
        let count = take_length(&mut block)?;
        if count > MAX_FIELDS {
            return None;
        }
        let mut fields = Vec::new();
        for _ in 0..count {
            let name = take_text(&mut block)?;
            fields.push((name.to_ascii_lowercase(), take_text(&mut block)?));
        }
        block.is_empty().then_some(Self { fields })
    }
}

impl HeaderReader {
    /// For a new connection.
    pub fn new() -> Self {
        Self {
            zlib: Decompress::new(true),
        }
    }

    /// Decompresses and parses the next block. `None`: it is broken, and with it the connection, since later
    /// blocks build on it.
    pub fn read(&mut self, mut compressed: &[u8]) -> Option<Headers> {
        let mut block = Vec::with_capacity(1024);
        while !compressed.is_empty() || block.len() == block.capacity() {
            if block.len() == block.capacity() {
                if block.len() >= MAX_BYTES {
                    return None;
                }
                block.reserve(block.len());
            }
            let (taken, given) = (self.zlib.total_in(), self.zlib.total_out());
            let status = self
                .zlib
                .decompress_vec(compressed, &mut block, FlushDecompress::Sync);
            compressed = &compressed[(self.zlib.total_in() - taken) as usize..];
            match status {
                Ok(Status::StreamEnd) => return None,
                Ok(_) if self.zlib.total_in() == taken && self.zlib.total_out() == given => {
                    if compressed.is_empty() {
                        break;
                    }
                    return None;
                }
                Ok(_) => {}
                Err(error) if error.needs_dictionary().is_some() => {
                    self.zlib.set_dictionary(&dictionary()).ok()?;
                }
                Err(_) => return None,
            }
        }
        Headers::parse(&block)
    }
}

fn take_length(block: &mut &[u8]) -> Option<usize> {
    let (length, rest) = block.split_first_chunk()?;
    *block = rest;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

fn take_text(block: &mut &[u8]) -> Option<String> {
    let length = take_length(block)?;
    let (text, rest) = block.split_at_checked(length)?;
    *block = rest;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
pub mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    /// A client's side of the compression.
    pub struct Compressor(Compress);

    impl Compressor {
        pub fn new() -> Self {
            let mut zlib = Compress::new(Compression::best(), true);
            zlib.set_dictionary(&dictionary()).unwrap();
            Self(zlib)
        }

        pub fn compress(&mut self, block: &[u8]) -> Vec<u8> {
            let mut compressed = Vec::with_capacity(block.len() + 1024);
            self.0
                .compress_vec(block, &mut compressed, FlushCompress::Sync)
                .unwrap();
            compressed
        }
    }

    pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = (fields.len() as u32).to_be_bytes().to_vec();
        for text in fields.iter().flat_map(|(name, value)| [name, value]) {
            block.extend_from_slice(&(text.len() as u32).to_be_bytes());
            block.extend_from_slice(text.as_bytes());
        }
        block
    }

    #[test]
    fn reads_block_after_block_of_one_state() {
        let (mut writer, mut reader) = (Compressor::new(), HeaderReader::new());
        for id in ["0", "1", "1", "2"] {
            let sent = block(&[("Port", "8080"), ("streamtype", "data"), ("requestid", id)]);
            let headers = reader.read(&writer.compress(&sent)).unwrap();
            assert_eq!(headers.get("port"), Some("8080"));
            assert_eq!(headers.get("requestid"), Some(id));
            assert_eq!(headers.get("absent"), None);
        }
    }

    #[test]
    fn refuses_what_is_broken_or_too_much() {
        let read = |sent: &[u8]| HeaderReader::new().read(&Compressor::new().compress(sent));
        assert_eq!(read(&block(&[])), Some(Headers::default()));
        assert_eq!(read(b""), None);
        assert_eq!(read(&[0, 0, 0, 1, 0, 0, 0, 9, b'x']), None);
        assert_eq!(read(&[255; 8]), None);
        assert_eq!(read(&[block(&[("a", "b")]), vec![0]].concat()), None);
        let many: Vec<_> = (0..=MAX_FIELDS).map(|_| ("a", "b")).collect();
        assert_eq!(read(&block(&many)), None);
        assert_eq!(HeaderReader::new().read(b"garbage, and not zlib at all"), None);
    }

    #[test]
    fn a_bomb_stays_small() {
        let bomb = Compressor::new().compress(&vec![0; 4 << 20]);
        assert_eq!(HeaderReader::new().read(&bomb), None);
        let largest = "x".repeat(12 << 10);
        let headers = HeaderReader::new().read(&Compressor::new().compress(&block(&[("a", &largest)])));
        assert_eq!(headers.unwrap().get("a").map(str::len), Some(largest.len()));
    }
}
