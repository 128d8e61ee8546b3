//! Uploads: taking a file piece by piece, and giving it back so that no browser runs it.

use super::{
    asked::{Caller, Sent, observe_size},
    edge::Edge,
    shapes::{UploadAnswer, UploadForm},
};
use crate::{limits::FORM_BYTES_BESIDE_FILE, logs::events, reply::Refused};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header::{
        self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
    },
    rt,
    web::{Data, Path},
};
use campanile_core::{
    chat::Arrival,
    name::RoomName,
    port::{BlobReader, Fault},
    upload::{FileName, UploadId},
};
use futures_util::{StreamExt, stream};
use std::time::Duration;
use tokio::time::timeout;

/// The name of the part that is the file.
const PART: &str = "file";

/// How long the next piece of a form is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a browser may do with an upload that it shows all the same: nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// Puts a file into a room. Only its members can read it.
///
/// Images, sound, films, PDF, archives and plain text are taken; what a file is, is told by its
/// bytes. Nothing of an upload that ends early is kept.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/uploads", tag = "uploads", operation_id = "upload",
    params(("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "It is kept.", body = UploadAnswer),
        (status = 403, description = "The asker is no member."),
        (status = 404, description = "There is no such room, or none to be seen."),
        (status = 413, description = "It is too long, or the asker's uploads would hold too much."),
        (status = 415, description = "The body is no form, or the file is of a kind that is not taken."),
    ),
)]
pub(super) async fn create(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let room = RoomName::parse(&path)?;
    let (request, mut form) = sent.form();
    check_form(&request)?;
    let announced = announced(&request).map(|bytes| bytes.saturating_sub(FORM_BYTES_BESIDE_FILE));
    let mut arrival = edge.chat.begin_upload(&caller.user, &room, announced).await?;
    let mut field = next_field(&mut form).await?.ok_or_else(wrong_part)?;
    if field.name() != Some(PART) {
        return Err(wrong_part());
    }
    let name = file_name(&field);
    let bytes = take(&mut field, &mut arrival).await?;
    drop(field);
    if next_field(&mut form).await?.is_some() {
        return Err(wrong_part());
    }
    observe_size(&request, bytes);
    let id = UploadId(rand::random());
    let chat = edge.chat.clone();
    // A task of its own, so that a client who goes away now cannot end it half-way.
    let finishing = rt::spawn(async move { chat.finish_upload(arrival, id, name).await });
    let upload = finishing.await.map_err(|_| Refused::internal())??;
    events::UploadKept { upload: &upload.id.to_string(), room: &room, bytes }.emit();
    Ok(HttpResponse::Created().json(UploadAnswer { upload: (&upload).into() }))
}

/// A file from a room that the asker is a member of, to be saved and not shown.
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}", tag = "uploads", operation_id = "download",
    params(("id" = String, Path, description = "The upload's id.", pattern = "^[0-9a-f]{32}$")),
    responses(
        (status = 200, description = "The file.", content_type = "*/*"),
        (status = 404, description = "There is no such upload in a room of the asker's."),
    ),
)]
pub(super) async fn show(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    let id = UploadId::parse(&path)?;
    let found = edge.chat.open_upload(&caller.user, id).await?;
    let (upload, reader) = found.ok_or_else(|| Refused::not_found("there is no such upload"))?;
    Ok(HttpResponse::Ok()
        .content_type(upload.media_type.as_str())
        .insert_header(attachment(&upload.name))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(SizedStream::new(upload.bytes, pieces(reader))))
}

fn check_form(request: &HttpRequest) -> Result<(), Refused> {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Ok(());
    }
    Err(Refused::unsupported("the body has to be sent as multipart/form-data"))
}

/// How long the body will be, where the client says so.
fn announced(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn next_field(form: &mut Multipart) -> Result<Option<Field>, Refused> {
    let next = timeout(PATIENCE, form.next()).await.map_err(|_| too_slow())?;
    next.transpose().map_err(broken)
}

/// Hands over the file as it comes; how long it was.
async fn take(field: &mut Field, arrival: &mut Arrival) -> Result<u64, Refused> {
    let mut bytes = 0;
    while let Some(chunk) = timeout(PATIENCE, field.next()).await.map_err(|_| too_slow())? {
        let chunk = chunk.map_err(broken)?;
        bytes += chunk.len() as u64;
        arrival.write(chunk).await?;
    }
    Ok(bytes)
}

fn file_name(field: &Field) -> FileName {
    let disposition = field.content_disposition();
    let extended = disposition.and_then(ContentDisposition::get_filename_ext);
    let extended = extended.and_then(|name| std::str::from_utf8(&name.value).ok());
    let plain = disposition.and_then(ContentDisposition::get_filename);
    FileName::tidy(extended.or(plain).unwrap_or_default())
}

fn attachment(name: &FileName) -> ContentDisposition {
    let value = name.as_str().as_bytes().to_vec();
    let extended =
        ExtendedValue { charset: Charset::Ext("UTF-8".to_owned()), language_tag: None, value };
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(extended)],
    }
}

fn pieces(
    reader: Box<dyn BlobReader>,
) -> impl futures_util::Stream<Item = Result<actix_web::web::Bytes, Fault>> {
    stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.read().await?.map(|piece| (piece, reader)))
    })
}

fn wrong_part() -> Refused {
    Refused::bad_request("the form has one part, `file`")
}

fn too_slow() -> Refused {
    Refused::bad_request("the body did not arrive in time")
}

fn broken(error: MultipartError) -> Refused {
    Refused::bad_request(format!("the form is not understood: {error}"))
}
