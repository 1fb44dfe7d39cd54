//! One finished point as one line: a checksum and a JSON object.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// How a point ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PointStatus {
    Complete,
    Failed,
}

/// A finished point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PointRecord {
    /// Its number.
    pub(super) point: usize,
    /// What its resolved model is made of, see [`ModelHash`].
    pub(super) model: String,
    pub(super) status: PointStatus,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// The collected fields.
    pub(super) values: Map<String, Value>,
}

/// Hexadecimal digits of a checksum: 64 bits.
const DIGITS: usize = 16;

/// The first 64 bits of SHA-256.
pub(super) fn checksum(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

fn hex(digest: &[u8]) -> String {
    digest[..DIGITS / 2].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Any object as a line that tells whether it is whole. JSON escapes line ends inside texts.
pub(super) fn encode<T: Serialize>(object: &T) -> String {
    let json = serde_json::to_string(object).expect("records are plain data with text keys");
    format!("{} {json}\n", checksum(json.as_bytes()))
}

/// The object of a line without its line end; `None` for a line that is damaged or another object.
pub(super) fn decode<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Option<T> {
    let (sum, rest) = line.split_at_checked(DIGITS)?;
    let json = rest.strip_prefix(b" ")?;
    if sum != checksum(json).as_bytes() {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Identifies the resolved model of a point. A resolved model follows from the resolved model
/// without sweep and the values of the point, so the hash is over both; writing out every point's
/// whole model would take longer than many points.
#[derive(Clone)]
pub(super) struct ModelHash(Sha256);

impl ModelHash {
    /// For points that start from the model whose completed text is `base`.
    pub(super) fn new(base: &str) -> Self {
        Self(Sha256::new_with_prefix(base))
    }

    /// The hash of the model with these values set.
    pub(super) fn with(&self, overrides: &[crate::model::Override]) -> String {
        let mut hash = self.0.clone();
        for change in overrides {
            hash.update(format!("\n{} = {}", change.key, change.value));
        }
        hex(hash.finalize().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_any_byte_changed_is_refused() {
        let record = PointRecord {
            point: 3,
            model: "m".to_owned(),
            status: PointStatus::Failed,
            error: Some("line one\nline \u{fc}".to_owned()),
            values: Map::from_iter([("x".to_owned(), Value::from(0.1 + 0.2))]),
        };
        let line = encode(&record);
        let bytes = line.trim_end().as_bytes();
        assert!(!bytes.contains(&b'\n'));
        assert_eq!(decode::<PointRecord>(bytes), Some(record));
        for k in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[k] ^= 1;
            assert_eq!(decode::<PointRecord>(&changed), None, "byte {k}");
            assert_eq!(decode::<PointRecord>(&bytes[..k]), None, "cut at {k}");
        }
    }
}
