//! From bytes to messages.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use capnp::Word;
use capnp::message::ReaderSegments;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::OwnedReadHalf;

use super::Bounds;
use super::table::{Table, WORD};
use crate::error::{Code, Error, Result};

/// One read of what may hold several messages; most are shorter than this.
const SMALL: usize = 4 << 10;

/// How far ahead of the bytes that came a long message's memory is made.
const AHEAD: usize = 256 << 10;

/// The reading side of a connection.
#[derive(Debug)]
pub struct Inbox {
    socket: OwnedReadHalf,
    bounds: Bounds,
    /// Bytes that came with the last message and belong to the next ones. Holds no memory while the
    /// connection is idle.
    rest: Vec<u8>,
}

/// The segments of one message.
#[derive(Debug)]
pub struct Segments {
    table: Table,
    words: Vec<Word>,
}

impl Inbox {
    /// Nothing is read before a message is asked for.
    pub fn new(socket: OwnedReadHalf, bounds: Bounds) -> Self {
        Self {
            socket,
            bounds,
            rest: Vec::new(),
        }
    }

    /// The next message; None where the client has closed the connection between two of them.
    pub async fn next(&mut self) -> Result<Option<Segments>> {
        let table = loop {
            if let Some(table) = Table::parse(&self.rest, self.bounds.message_bytes)? {
                break table;
            }
            if self.rest.is_empty() {
                self.rest = Vec::new();
                self.socket.readable().await.map_err(|error| lost(&error))?;
            }
            if self.read_small().await? == 0 {
                return match self.rest.is_empty() {
                    true => Ok(None),
                    false => Err(cut_off()),
                };
            }
        };
        let words = self.gather(&table).await?;
        Ok(Some(Segments { table, words }))
    }

    async fn read_small(&mut self) -> Result<usize> {
        let filled = self.rest.len();
        // A head of 512 segments is the most that is looked for here; it fits.
        self.rest.resize(filled.max(SMALL / 2) + SMALL / 2, 0);
        let patience = (filled > 0).then_some(self.bounds.message_timeout);
        let count = read(&mut self.socket, &mut self.rest[filled..], patience).await;
        self.rest
            .truncate(filled + count.as_ref().copied().unwrap_or_default());
        count
    }

    /// The words of the message whose head is at the beginning of the rest, and takes both away.
    async fn gather(&mut self, table: &Table) -> Result<Vec<Word>> {
        let whole = table.words() * WORD;
        let there = whole.min(self.rest.len() - table.head);
        let mut words = Word::allocate_zeroed_vec(there.div_ceil(WORD));
        let from = table.head..table.head + there;
        Word::words_to_bytes_mut(&mut words)[..there].copy_from_slice(&self.rest[from.clone()]);
        self.rest.drain(..from.end);
        let mut filled = there;
        while filled < whole {
            let room = whole.min(filled + AHEAD);
            words.resize(room.div_ceil(WORD), capnp::word(0, 0, 0, 0, 0, 0, 0, 0));
            let to = &mut Word::words_to_bytes_mut(&mut words)[filled..room];
            match read(&mut self.socket, to, Some(self.bounds.message_timeout)).await? {
                0 => return Err(cut_off()),
                count => filled += count,
            }
        }
        Ok(words)
    }
}

impl ReaderSegments for Segments {
    fn get_segment(&self, index: u32) -> Option<&[u8]> {
        let range = self.table.range(index as usize)?;
        Some(Word::words_to_bytes(&self.words[range]))
    }

    fn len(&self) -> usize {
        self.table.len()
    }
}

/// Reads what there is, at least one byte; 0 at the end. Within `patience`, if there is one.
async fn read(socket: &mut OwnedReadHalf, to: &mut [u8], patience: Option<Duration>) -> Result<usize> {
    let mut to = ReadBuf::new(to);
    let reading = poll_fn(|context| Pin::new(&mut *socket).poll_read(context, &mut to));
    let read = match patience {
        None => reading.await,
        Some(patience) => tokio::time::timeout(patience, reading).await.map_err(|_| {
            Error::new(
                Code::BadMessage,
                format!(
                    "the rest of a message has not come for {} s",
                    patience.as_secs_f64()
                ),
            )
        })?,
    };
    read.map_err(|error| lost(&error))?;
    Ok(to.filled().len())
}

fn lost(error: &io::Error) -> Error {
    Error::from_io(Code::Cancelled, "the connection was lost", error)
}

fn cut_off() -> Error {
    Error::new(Code::BadMessage, "the connection ended within a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    const BOUNDS: Bounds = Bounds {
        message_bytes: 8 << 20,
        message_timeout: Duration::from_secs(20),
        unread_bytes: 0,
        unread_timeout: Duration::ZERO,
        open_questions: 0,
    };

    /// An inbox, and what its messages are when `bytes` come in pieces of this size.
    fn messages(bytes: &[u8], piece: usize) -> Vec<Result<Option<Segments>>> {
        let (mut client, server) = UnixStream::pair().expect("a pair");
        server.set_nonblocking(true).expect("non-blocking");
        let bytes = bytes.to_vec();
        let writer =
            std::thread::spawn(move || bytes.chunks(piece).all(|piece| client.write_all(piece).is_ok()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a loop");
        let all = runtime.block_on(async {
            let server = tokio::net::UnixStream::from_std(server).expect("registered");
            let (reader, _writer) = server.into_split();
            let mut inbox = Inbox::new(reader, BOUNDS);
            let mut all = Vec::new();
            loop {
                let message = inbox.next().await;
                let last = !matches!(message, Ok(Some(_)));
                all.push(message);
                if last {
                    assert!(inbox.rest.capacity() <= 2 * SMALL, "an idle inbox holds little");
                    break all;
                }
            }
        });
        writer.join().expect("no panic");
        all
    }

    fn message(segments: &[&[u8]]) -> Vec<u8> {
        [&super::super::table::head_of(segments)[..], &segments.concat()].concat()
    }

    #[test]
    fn messages_arrive_whole_whatever_the_pieces_are() {
        let long: Vec<u8> = (0..80_000_u32)
            .flat_map(|number| u64::from(number).to_le_bytes())
            .collect();
        let sent: [&[&[u8]]; 5] = [
            &[b"12345678"],
            &[b"", b"abcdefgh"],
            &[&long, b"ABCDEFGH"],
            &[b""],
            &[&long],
        ];
        let bytes: Vec<u8> = sent.iter().flat_map(|segments| message(segments)).collect();
        for piece in [7, 1_000, 5_000, 100_003, bytes.len()] {
            let mut came = messages(&bytes, piece);
            assert!(matches!(came.pop(), Some(Ok(None))));
            assert_eq!(came.len(), sent.len());
            for (came, sent) in came.iter().zip(sent) {
                let Ok(Some(came)) = came else { panic!("{came:?}") };
                let segments: Vec<_> = (0..).map_while(|index| came.get_segment(index)).collect();
                assert_eq!(segments, sent);
            }
        }
    }

    #[test]
    fn an_end_within_a_message_is_told_from_one_between_two() {
        let whole = message(&[&[7; 64]]);
        for end in 1..whole.len() {
            let came = messages(&whole[..end], end);
            assert_eq!(came[0].as_ref().expect_err("cut off").code, Code::BadMessage);
        }
    }
}
