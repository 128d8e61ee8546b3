//! Files, as they are read and written.

use campanile_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file to be put into a room, as a form with one part.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it only describes the form to readers of the API")]
pub(in crate::http) struct UploadForm {
    /// The file. What it is, is told by its bytes.
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// A file in a room.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Upload {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    /// What it is called: the harmless part of what the form said.
    #[schema(min_length = 1)]
    name: String,
    #[schema(minimum = 1)]
    bytes: u64,
    /// What it is, by its bytes.
    media_type: &'static str,
}

/// An answer about a file.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct UploadAnswer {
    pub(in crate::http) upload: Upload,
}

impl From<&core::upload::Upload> for Upload {
    fn from(upload: &core::upload::Upload) -> Self {
        Self {
            id: upload.id.to_string(),
            name: upload.name.to_string(),
            bytes: upload.bytes,
            media_type: upload.media_type.as_str(),
        }
    }
}
