//! Replies: what each error of the chat means to who asked, over HTTP and over a connection. Mapped
//! here and nowhere else.

use crate::logs::events;
use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    body::BoxBody,
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
};
use campanile_core::{
    application::AppNameError,
    chat::{
        AccessError, AuthenticateError, ChangeError, ClaimError, EnterError, InviteError, Limited,
        ManageError, MembershipError, PublishPrekeysError, SendError, SubscribeError, TooManyWatch,
        UploadError,
    },
    connection::{self, JoinError},
    name::NameError,
    port::{
        AddAppKeyError, ChangeAppError, CreateAccountError, CreateAppError, CreateRoomError, Fault,
        FaultKind, RevokeAppKeyError,
    },
    push::PushEndpointError,
    upload::UploadIdError,
};
use campanile_protocol::{ErrorCode, Refusal};
use campanile_pusher::http::ApiError;
use serde::Serialize;
use std::{borrow::Cow, fmt, time::Duration};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// When to come back where nothing better is known.
const COME_BACK: Duration = Duration::from_secs(1);

/// A request that was refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    status: StatusCode,
    code: ErrorCode,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    allow: Option<Vec<Method>>,
}

/// What a refused request is answered with: a problem of RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem<'a> {
    /// Always `about:blank`: `code` is what a program acts on.
    r#type: &'static str,
    /// The status in words.
    title: &'a str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request.
    detail: &'a str,
    /// What a program acts on.
    #[schema(value_type = Code)]
    code: ErrorCode,
}

/// What a program acts on.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only describes the codes of the protocol to readers of the API")]
pub(crate) enum Code {
    BadRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    RateLimited,
    Unavailable,
    Internal,
}

/// The answer that refuses a request.
pub fn problem(code: ErrorCode, detail: &str, retry_after: Option<Duration>) -> HttpResponse {
    let mut refused = Refused::new(code, detail.to_owned());
    refused.retry_after = retry_after.or(refused.retry_after);
    refused.error_response()
}

impl Refused {
    /// A refusal with the status that goes with the code.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let (status, retry_after) = match code {
            ErrorCode::BadRequest => (StatusCode::BAD_REQUEST, None),
            ErrorCode::Unauthenticated => (StatusCode::UNAUTHORIZED, None),
            ErrorCode::Forbidden => (StatusCode::FORBIDDEN, None),
            ErrorCode::NotFound => (StatusCode::NOT_FOUND, None),
            ErrorCode::Conflict => (StatusCode::CONFLICT, None),
            ErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
            ErrorCode::RateLimited => (StatusCode::TOO_MANY_REQUESTS, Some(COME_BACK)),
            ErrorCode::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Some(COME_BACK)),
            ErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        Self { status, code, detail: detail.into(), retry_after, allow: None }
    }

    /// The request makes no sense.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BadRequest, detail)
    }

    /// Nobody has said who asks.
    pub fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unauthenticated, detail)
    }

    /// Who asks may not.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    /// It is not there.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, detail)
    }

    /// It collides with what is there.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Conflict, detail)
    }

    /// The body is too long.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::TooLarge, detail)
    }

    /// A field of the body is too long: the request makes no sense, whatever it is sent with.
    pub fn too_long(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, ..Self::too_large(detail) }
    }

    /// The headers are too long.
    pub fn headers_too_large() -> Self {
        let detail = "the request's headers are too long";
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self { status, ..Self::too_large(detail) }
    }

    /// The body is not JSON.
    pub fn not_json() -> Self {
        Self::unsupported("the body has to be sent as application/json")
    }

    /// The body is of a kind that is not taken.
    pub fn unsupported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Self::bad_request(detail) }
    }

    /// The path is answered, but not for this method.
    pub fn method_not_allowed(allow: Vec<Method>) -> Self {
        let detail = "this path does not answer this method";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self { status, allow: Some(allow), ..Self::bad_request(detail) }
    }

    /// The server cannot do this now.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unavailable, detail)
    }

    /// The server is at fault.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "the server could not do this")
    }

    /// The same over a connection.
    pub fn refusal(&self) -> Refusal {
        // Rounded up: who comes back then is let in.
        let millis = self.retry_after.map(|wait| wait.as_nanos().div_ceil(1_000_000));
        Refusal {
            code: self.code,
            message: self.detail.clone().into_owned(),
            retry_after_ms: millis.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX)),
        }
    }

    fn headers(&self, response: &mut HttpResponseBuilder) {
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: who comes back then is let in.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, seconds.max(1).to_string()));
        }
        if let Some(allow) = &self.allow {
            let methods: Vec<_> = allow.iter().map(Method::as_str).collect();
            let methods = HeaderValue::from_str(&methods.join(", "));
            response.insert_header((header::ALLOW, methods.expect("methods are plain text")));
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let problem = Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
        };
        let body = serde_json::to_string(&problem).expect("a problem is plain text and numbers");
        let mut response = HttpResponse::build(self.status);
        self.headers(&mut response);
        response.content_type(PROBLEM_JSON).body(body)
    }
}

impl From<NameError> for Refused {
    fn from(error: NameError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Limited> for Refused {
    fn from(limited: Limited) -> Self {
        events::RateLimitHit::from(&limited).emit();
        let retry_after = Some(limited.retry_after);
        Self { retry_after, ..Self::new(ErrorCode::RateLimited, limited.to_string()) }
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        events::store_failed(&fault);
        match fault.kind {
            // What the driver says is for the log, not for the client.
            FaultKind::Corrupt | FaultKind::Constraint => Self::internal(),
            _ => Self::unavailable("the server cannot do this now, try again"),
        }
    }
}

impl From<AuthenticateError> for Refused {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Refused => Self::unauthenticated(error.to_string()),
            AuthenticateError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CreateAccountError> for Refused {
    fn from(error: CreateAccountError) -> Self {
        match error {
            CreateAccountError::NotInvited => Self::forbidden(error.to_string()),
            CreateAccountError::Taken => Self::conflict(error.to_string()),
            CreateAccountError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CreateRoomError> for Refused {
    fn from(error: CreateRoomError) -> Self {
        match error {
            CreateRoomError::Exists => Self::conflict(error.to_string()),
            CreateRoomError::UnknownUser => Self::not_found(error.to_string()),
            CreateRoomError::Fault(fault) => fault.into(),
        }
    }
}

/// Of what an operator asks for in an application's place.
impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let detail = error.to_string();
        match error {
            ApiError::Publish(why) if why.status() == 413 => Self::too_large(detail),
            ApiError::Publish(_)
            | ApiError::Info(_)
            | ApiError::Channel(_)
            | ApiError::IdempotencyKey => Self::bad_request(detail),
            ApiError::Signature(_) => Self::unauthenticated(detail),
            ApiError::AppDisabled
            | ApiError::OverQuota
            | ApiError::InProgress
            | ApiError::OtherRequest => Self::conflict(detail),
            ApiError::NoSuchApp => Self::not_found(detail),
            ApiError::Unavailable => Self::unavailable(detail),
        }
    }
}

impl From<TooManyWatch> for Refused {
    fn from(error: TooManyWatch) -> Self {
        Self::new(ErrorCode::RateLimited, error.to_string())
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::UnknownRoom => Self::not_found(error.to_string()),
            AccessError::NotMember => Self::forbidden(error.to_string()),
            AccessError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ManageError> for Refused {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Access(error) => error.into(),
            ManageError::NotOwner => Self::forbidden(error.to_string()),
            ManageError::TooLarge { .. } => Self::too_long(error.to_string()),
            ManageError::Retention { .. } => Self::bad_request(error.to_string()),
        }
    }
}

impl From<MembershipError> for Refused {
    fn from(error: MembershipError) -> Self {
        match error {
            MembershipError::UnknownRoom
            | MembershipError::UnknownUser
            | MembershipError::NotMember => Self::not_found(error.to_string()),
            MembershipError::NotOwner | MembershipError::Direct => {
                Self::forbidden(error.to_string())
            }
            MembershipError::Full | MembershipError::LastOwner => Self::conflict(error.to_string()),
            MembershipError::Limited(limited) => limited.into(),
            MembershipError::Fault(fault) => fault.into(),
        }
    }
}

impl From<SendError> for Refused {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Empty | SendError::Key { .. } => Self::bad_request(error.to_string()),
            SendError::TooLarge { .. } => Self::too_long(error.to_string()),
            SendError::UnknownRoom | SendError::UnknownReply => Self::not_found(error.to_string()),
            SendError::NotMember => Self::forbidden(error.to_string()),
            SendError::Limited(limited) => limited.into(),
            SendError::Fault(fault) => fault.into(),
        }
    }
}

impl From<UploadIdError> for Refused {
    fn from(error: UploadIdError) -> Self {
        Self::not_found(error.to_string())
    }
}

impl From<UploadError> for Refused {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Access(error) => error.into(),
            UploadError::TooLarge { .. } | UploadError::Quota { .. } => {
                Self::too_large(error.to_string())
            }
            UploadError::Kind => Self::unsupported(error.to_string()),
            UploadError::Limited(limited) => limited.into(),
            UploadError::Fault(fault) => fault.into(),
        }
    }
}

impl From<PublishPrekeysError> for Refused {
    fn from(error: PublishPrekeysError) -> Self {
        match error {
            PublishPrekeysError::TooMany { .. } => Self::conflict(error.to_string()),
            PublishPrekeysError::Fault(fault) => fault.into(),
        }
    }
}

impl From<InviteError> for Refused {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::TooMany { .. } => Self::conflict(error.to_string()),
            InviteError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AppNameError> for Refused {
    fn from(error: AppNameError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<CreateAppError> for Refused {
    fn from(error: CreateAppError) -> Self {
        match error {
            CreateAppError::IdTaken | CreateAppError::KeyTaken | CreateAppError::TooMany => {
                Self::conflict(error.to_string())
            }
            CreateAppError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ChangeAppError> for Refused {
    fn from(error: ChangeAppError) -> Self {
        match error {
            ChangeAppError::NotFound => Self::not_found(error.to_string()),
            ChangeAppError::Stale => Self::conflict(error.to_string()),
            ChangeAppError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AddAppKeyError> for Refused {
    fn from(error: AddAppKeyError) -> Self {
        match error {
            AddAppKeyError::NotFound => Self::not_found(error.to_string()),
            AddAppKeyError::KeyTaken | AddAppKeyError::TooMany => Self::conflict(error.to_string()),
            AddAppKeyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RevokeAppKeyError> for Refused {
    fn from(error: RevokeAppKeyError) -> Self {
        match error {
            RevokeAppKeyError::NotFound => Self::not_found(error.to_string()),
            RevokeAppKeyError::Last => Self::conflict(error.to_string()),
            RevokeAppKeyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<PushEndpointError> for Refused {
    fn from(error: PushEndpointError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<SubscribeError> for Refused {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Off => Self::not_found(error.to_string()),
            SubscribeError::Refused(_) => Self::bad_request(error.to_string()),
            SubscribeError::SessionEnded => Self::unauthenticated(error.to_string()),
            SubscribeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ClaimError> for Refused {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Unpublished => Self::not_found(error.to_string()),
            ClaimError::Limited(limited) => limited.into(),
            ClaimError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ChangeError> for Refused {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Empty => Self::bad_request(error.to_string()),
            ChangeError::TooLarge { .. } => Self::too_long(error.to_string()),
            ChangeError::UnknownRoom | ChangeError::UnknownMessage => {
                Self::not_found(error.to_string())
            }
            ChangeError::Forbidden => Self::forbidden(error.to_string()),
            ChangeError::TooManyReactions => Self::conflict(error.to_string()),
            ChangeError::Limited(limited) => limited.into(),
            ChangeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<JoinError> for Refused {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Enter(EnterError::UnknownRoom) => Self::not_found(error.to_string()),
            JoinError::Enter(EnterError::Full) | JoinError::TooManyRooms => {
                Self::conflict(error.to_string())
            }
            JoinError::Enter(EnterError::Limited(limited)) => limited.into(),
            JoinError::Enter(EnterError::Fault(fault)) => fault.into(),
        }
    }
}

impl From<connection::Refused> for Refused {
    fn from(error: connection::Refused) -> Self {
        match error {
            connection::Refused::TooMany => Self::new(ErrorCode::RateLimited, error.to_string()),
            connection::Refused::Fault(fault) => fault.into(),
        }
    }
}
