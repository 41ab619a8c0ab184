//! One connection: bytes both ways, and the end of each way by itself.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tungstenite::Message;

use super::super::channel::CHUNK;
use super::super::socket::Writer;
use super::inlet::Inlet;

/// How a protocol puts the connection's output into messages.
pub trait Outlet {
    /// Bytes that are kept free before the data.
    const HEADER: usize;

    /// How long the connection may go on to take what was sent before it had ended its output. None: until the
    /// client ends its own way, which not every protocol can say.
    const AFTER_OUTPUT: Option<Duration>;

    /// The message of these bytes: room for the header, then the data.
    fn seal(&self, message: Vec<u8>) -> Message;

    /// The message that says that the output has ended. None: the protocol has none.
    fn end(&self) -> Option<Message>;
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Both ways have ended.
    Complete,
    /// The connection was reset by who was connected to.
    Reset,
    /// The client wants no more of it.
    Aborted,
    /// The client has gone.
    ClientGone,
}

/// Carries bytes until both ways have ended.
pub async fn forward(mut target: TcpStream, inlet: &Inlet, outlet: &impl Outlet, writer: &Writer) -> End {
    let (from, to) = target.split();
    let carried = carry(from, to, inlet, outlet, writer);
    let end = tokio::select! {
        end = carried => end,
        () = inlet.aborted() => End::Aborted,
    };
    inlet.close();
    end
}

async fn carry<O: Outlet>(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    inlet: &Inlet,
    outlet: &O,
    writer: &Writer,
) -> End {
    let mut input = pin!(give_input(to, inlet));
    let mut input_ended = false;
    let mut output = pin!(take_output(from, outlet, writer));
    let end = loop {
        tokio::select! {
            biased;
            () = &mut input, if !input_ended => input_ended = true,
            end = &mut output => break end,
        }
    };
    if end == End::Complete && !input_ended {
        inlet.output_ended();
        match O::AFTER_OUTPUT {
            None => input.await,
            Some(time) => drop(tokio::time::timeout(time, input).await),
        }
    }
    end
}

/// Gives the connection what the client sends, and then its end.
async fn give_input(mut to: WriteHalf<'_>, inlet: &Inlet) {
    while let Some(bytes) = inlet.next().await {
        // Who takes no more input may still have output.
        if to.write_all(&bytes).await.is_err() {
            return inlet.close();
        }
    }
    let _ = to.shutdown().await;
    inlet.close();
}

/// Sends the connection's output to the client, and then its end.
async fn take_output<O: Outlet>(from: ReadHalf<'_>, outlet: &O, writer: &Writer) -> End {
    loop {
        if from.readable().await.is_err() {
            return End::Reset;
        }
        // Read when it can be sent: connections that wait for a slow client hold no memory.
        let mut turn = writer.turn().await;
        let mut message = vec![0; O::HEADER + CHUNK];
        let sent = match from.try_read(&mut message[O::HEADER..]) {
            Ok(0) => match outlet.end() {
                Some(end) => turn.send(end).await.map(|()| true),
                None => Ok(true),
            },
            Ok(count) => {
                message.truncate(O::HEADER + count);
                turn.send(outlet.seal(message)).await.map(|()| false)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(_) => return End::Reset,
        };
        match sent {
            Ok(false) => {}
            Ok(true) => return End::Complete,
            Err(_) => return End::ClientGone,
        }
    }
}
