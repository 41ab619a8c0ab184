//! How a session went, as Kubernetes' clients expect it: a `metav1.Status` on the error channel, and as the
//! body of a refused request.

use serde::Serialize;

/// `Status` of the Kubernetes API, `meta/v1`, as far as it is used here.
#[derive(Debug, Serialize)]
pub struct Status {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    metadata: Metadata,
    status: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

#[derive(Debug, Serialize)]
struct Metadata {}

#[derive(Debug, Serialize)]
struct Details {
    causes: [Cause; 1],
}

#[derive(Debug, Serialize)]
struct Cause {
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    message: String,
}

impl Status {
    fn new(status: &'static str) -> Self {
        Self {
            kind: "Status",
            api_version: "v1",
            metadata: Metadata {},
            status,
            message: String::new(),
            reason: "",
            details: None,
            code: None,
        }
    }

    /// The command ended with exit code 0; the session ended as it should.
    pub fn success() -> Self {
        Self::new("Success")
    }

    /// The command ended with this exit code; 128 + n for signal n.
    pub fn exit_code(code: i32) -> Self {
        if code == 0 {
            return Self::success();
        }
        Self {
            message: format!("command terminated with exit code {code}"),
            reason: "NonZeroExitCode",
            details: Some(Details {
                causes: [Cause {
                    reason: "ExitCode",
                    message: code.to_string(),
                }],
            }),
            ..Self::new("Failure")
        }
    }

    /// Something other than the command failed.
    pub fn internal_error(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            details: Some(Details {
                causes: [Cause {
                    reason: "",
                    message: message.clone(),
                }],
            }),
            message,
            reason: "InternalError",
            code: Some(500),
            ..Self::new("Failure")
        }
    }

    /// A request was refused with this HTTP status code.
    pub fn refused(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            reason,
            code: Some(code),
            ..Self::new("Failure")
        }
    }

    /// The JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        // Nothing in it can fail to be written: strings and numbers alone.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: &Status) -> serde_json::Value {
        serde_json::from_slice(&status.to_json()).unwrap()
    }

    #[test]
    fn tells_success_and_exit_codes_apart() {
        assert_eq!(parsed(&Status::exit_code(0))["status"], "Success");
        let failed = parsed(&Status::exit_code(137));
        assert_eq!(failed["status"], "Failure");
        assert_eq!(failed["reason"], "NonZeroExitCode");
        assert_eq!(failed["details"]["causes"][0]["reason"], "ExitCode");
        assert_eq!(failed["details"]["causes"][0]["message"], "137");
    }

    #[test]
    fn a_failure_of_ours_carries_its_text() {
        let failed = parsed(&Status::internal_error("COMMAND_NOT_FOUND: \"nope\""));
        assert_eq!(failed["reason"], "InternalError");
        assert_eq!(failed["message"], "COMMAND_NOT_FOUND: \"nope\"");
        assert_eq!(failed["code"], 500);
    }
}
