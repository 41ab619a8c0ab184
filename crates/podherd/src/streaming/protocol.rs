//! The subprotocols that a client may offer (`Sec-WebSocket-Protocol`).

use super::request::Kind;

/// How messages are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Binary messages that begin with their channel; channel 255 closes another.
    ChannelV5,
    /// The same without the closing of channels.
    ChannelV4,
    /// Text messages: the channel's digit, then base64.
    Base64V4,
    /// SPDY/3.1 in binary messages, whose bounds mean nothing.
    SpdyTunnel,
}

impl Protocol {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChannelV5 => "v5.channel.k8s.io",
            Self::ChannelV4 => "v4.channel.k8s.io",
            Self::Base64V4 => "v4.base64.channel.k8s.io",
            Self::SpdyTunnel => "SPDY/3.1+portforward.k8s.io",
        }
    }

    /// Those that a kind of session can be spoken in; the first one if the client offers none, as the
    /// kubelet and conmon-rs take such a client.
    pub fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Exec | Kind::Attach => &[Self::ChannelV5, Self::ChannelV4, Self::Base64V4],
            Kind::PortForward => &[Self::ChannelV4, Self::Base64V4, Self::SpdyTunnel],
        }
    }

    /// The first of the client's offers that this kind of session has (RFC 6455, section 4.2.2). None: it
    /// has none of them.
    pub fn negotiate<'a>(kind: Kind, offers: impl Iterator<Item = &'a str>) -> Option<Choice> {
        let mut offers = offers.peekable();
        let known = Self::of(kind);
        if offers.peek().is_none() {
            return Some(Choice {
                protocol: known[0],
                offered: false,
            });
        }
        let protocol = offers.find_map(|offer| known.iter().find(|known| known.name() == offer))?;
        Some(Choice {
            protocol: *protocol,
            offered: true,
        })
    }

    /// The names for people, of those that a kind of session has.
    pub fn names(kind: Kind) -> String {
        let names: Vec<_> = Self::of(kind).iter().map(|protocol| protocol.name()).collect();
        names.join(", ")
    }
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The protocol.
    pub protocol: Protocol,
    /// Whether the client named it: only then does the answer.
    pub offered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(kind: Kind, offers: &[&str]) -> Option<(Protocol, bool)> {
        Protocol::negotiate(kind, offers.iter().copied()).map(|choice| (choice.protocol, choice.offered))
    }

    #[test]
    fn takes_the_clients_first_that_is_known() {
        let offers = ["v9.channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io"];
        assert_eq!(chosen(Kind::Exec, &offers), Some((Protocol::ChannelV4, true)));
        assert_eq!(chosen(Kind::Exec, &["SPDY/3.1+portforward.k8s.io"]), None);
        assert_eq!(chosen(Kind::PortForward, &["v5.channel.k8s.io"]), None);
        assert_eq!(
            chosen(Kind::PortForward, &["SPDY/3.1+portforward.k8s.io"]),
            Some((Protocol::SpdyTunnel, true))
        );
    }

    #[test]
    fn a_client_without_offers_gets_the_usual_one() {
        assert_eq!(chosen(Kind::Attach, &[]), Some((Protocol::ChannelV5, false)));
        assert_eq!(chosen(Kind::PortForward, &[]), Some((Protocol::ChannelV4, false)));
    }
}
