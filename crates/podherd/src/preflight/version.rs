//! `ociVersion`.

use super::FindingCode as Code;
use super::finding::{Findings, Refusal, quoted};
use super::node::Node;
use super::shape;
use crate::runtime::Kind;

/// Checks the version of the specification.
pub fn check(config: &Node<'_>, findings: &mut Findings) {
    let version = config.get("ociVersion");
    // Podherd itself reads no bundle without it, whatever the runtime does.
    shape::require(&version, Refusal::All, findings);
    let Some(text) = version.text() else { return };
    if !text.starts_with("1.") {
        let message = format!(
            "ociVersion is {}, expected 1.x; \"1.0.2\" is taken by every runtime",
            quoted(text)
        );
        findings.error(Code::OciVersionUnsupported, version.pointer(), message);
    } else if !text.contains("1.0") && !text.contains("1.1") && findings.runtime() != Some(Kind::Runc) {
        let message = format!(
            "ociVersion is {}, which crun before 1.14.3 refuses; with an older one write \"1.0.2\"",
            quoted(text)
        );
        findings.warning(Code::OciVersionUnsupported, version.pointer(), message);
    }
}
