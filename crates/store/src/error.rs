//! The one error of this crate.

use diesel::result::{ConnectionError, DatabaseErrorInformation, DatabaseErrorKind, Error};

/// What can go wrong between a caller and the database. Never carries the database URL.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or did not answer in time. Worth trying again.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database URL cannot be used.
    #[error("DATABASE_URL: {0}")]
    InvalidUrl(String),
    /// The database was migrated by a newer release.
    #[error(
        "the database has the migration {found}, which this version of modelgate does not know: run the newer version"
    )]
    NewerSchema {
        /// The first unknown migration.
        found: String,
    },
    /// Migrations could not be run.
    #[error("migrating the database failed: {0}")]
    Migration(String),
    /// A unique value is taken already.
    #[error("{table}: this {field} is taken already")]
    Conflict {
        /// The table.
        table: String,
        /// The column, or several joined by `_`.
        field: String,
    },
    /// The row points to something that is not there, or something still points to it.
    #[error("the row is tied to another that is missing or in use: {0}")]
    Reference(String),
    /// A stored value that this version cannot read.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// Any other refusal of the database.
    #[error("the database refused a query: {0}")]
    Query(String),
    /// The task that held the connection died.
    #[error("a database task died: {0}")]
    Task(String),
}

impl StoreError {
    /// True for a taken unique value in this column of this table.
    pub fn is_conflict(&self, table: &str, field: &str) -> bool {
        matches!(self, Self::Conflict { table: t, field: f } if t == table && f == field)
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(kind, info) => database_error(kind, info.as_ref()),
            Error::DeserializationError(e) => Self::Corrupt(e.to_string()),
            Error::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            other => Self::Query(other.to_string()),
        }
    }
}

impl From<ConnectionError> for StoreError {
    fn from(error: ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

fn database_error(kind: DatabaseErrorKind, info: &dyn DatabaseErrorInformation) -> StoreError {
    let message = info.message().to_owned();
    match kind {
        DatabaseErrorKind::UniqueViolation => conflict(info),
        DatabaseErrorKind::ForeignKeyViolation => StoreError::Reference(message),
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            StoreError::Unavailable(message)
        }
        _ if is_transient(&message) => StoreError::Unavailable(message),
        _ => StoreError::Query(message),
    }
}

/// What says nothing of the query and passes by itself, or with a hand at the machine: SQLite's and PostgreSQL's
/// answers for being busy, shutting down, read-only for a while and out of room have no kind of their own.
fn is_transient(message: &str) -> bool {
    [
        "database is locked",
        "terminating connection",
        "the database system is",
        "canceling statement due to",
        "connection closed",
        "deadlock detected",
        "could not serialize access",
        "database or disk is full",
        "disk I/O error",
        "No space left on device",
        "could not extend file",
        "could not write to file",
        "readonly database",
        "in a read-only transaction",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// PostgreSQL names the constraint (`<table>_<columns>_unique` or `<table>_pkey`), SQLite the columns.
fn conflict(info: &dyn DatabaseErrorInformation) -> StoreError {
    if let (Some(table), Some(constraint)) = (info.table_name(), info.constraint_name()) {
        let field = constraint.strip_prefix(table).unwrap_or(constraint);
        let field = field.trim_start_matches('_').trim_end_matches("_unique");
        return StoreError::Conflict {
            table: table.to_owned(),
            field: match field {
                "pkey" => primary_key(table),
                other => other,
            }
            .to_owned(),
        };
    }
    let message = info.message();
    let columns = message.rsplit("failed: ").next().unwrap_or(message);
    let mut table = "";
    let mut fields = Vec::new();
    for column in columns.split(", ") {
        let (t, field) = column.split_once('.').unwrap_or(("", column));
        table = t;
        fields.push(field);
    }
    StoreError::Conflict {
        table: table.to_owned(),
        field: fields.join("_"),
    }
}

/// The primary keys that are not a generated `id`.
fn primary_key(table: &str) -> &'static str {
    match table {
        "model_aliases" => "alias",
        "settings" => "key",
        "sessions" => "id_hash",
        "config_generations" => "number",
        "instances" => "lease",
        "journal_positions" => "instance_segment",
        "request_attempts" => "request_id_number",
        "api_key_models" => "api_key_id_model_id_target_id",
        _ => "id",
    }
}
