//! Which rows of the request log somebody wants to see, and by which index they are found.

use diesel::backend::Backend;
use diesel::expression::{Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;
use modelgate_domain::{
    ApiKeyId, FaultOwner, ModelId, ProviderId, ProviderKeyId, RequestId, Status,
};

/// Which rows; filters add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Of this key.
    pub api_key_id: Option<ApiKeyId>,
    /// Of this model.
    pub model_id: Option<ModelId>,
    /// Served by this provider.
    pub provider_id: Option<ProviderId>,
    /// With this credential of a provider.
    pub provider_key_id: Option<ProviderKeyId>,
    /// Served by what a vendor calls so.
    pub upstream_model: Option<String>,
    /// In one of these states.
    pub states: States,
    /// By whose fault they did not succeed; nobody's filters nothing.
    pub fault_owner: Option<FaultOwner>,
    /// With this code of an error.
    pub error_code: Option<String>,
    /// Answered with this HTTP status.
    pub http_status: Option<i64>,
    /// Of which the vendor answered with this HTTP status.
    pub upstream_status: Option<i64>,
    /// Started at or after, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Started before, epoch milliseconds.
    pub to_ms: Option<i64>,
    /// Older than this request: the cursor of a list.
    pub before: Option<RequestId>,
    /// Written after this `seq`, oldest first: the cursor of a live tail.
    pub after_seq: Option<i64>,
    /// At most this many rows, 1 to 500; 0 means 50.
    pub limit: i64,
}

/// The states that rows may be in. Every count on a page is of one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum States {
    /// Any.
    #[default]
    All,
    /// This one.
    One(Status),
    /// Any but `pending`: what “requests” counts.
    Ended,
    /// An error or a timeout.
    Failed,
    /// Failed, and no error of the caller or of a rule: what the error rate counts.
    Wrong,
    /// Failed, or refused by a limit: what the caller met in place of an answer.
    Unanswered,
}

/// Rows that lie together in an index of states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Branch {
    /// In this state.
    pub(crate) status: Option<Status>,
    /// Not `pending`.
    pub(crate) ended: bool,
    /// By no fault of the caller or of a rule.
    pub(crate) wrong: bool,
}

/// The condition whose index leads through the rows; the others are looked at row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Status,
    Fault,
    Code,
    Http,
    Upstream,
    Credential,
    UpstreamModel,
    Key,
    Model,
    Provider,
    Time,
}

impl States {
    pub(crate) fn branches(self) -> Vec<Branch> {
        let of = |status| Branch {
            status: Some(status),
            ..Branch::default()
        };
        match self {
            Self::All => vec![Branch::default()],
            Self::One(status) => vec![of(status)],
            Self::Ended => vec![Branch {
                ended: true,
                ..Branch::default()
            }],
            Self::Failed => vec![of(Status::Error), of(Status::Timeout)],
            Self::Wrong => vec![
                Branch {
                    wrong: true,
                    ..of(Status::Error)
                },
                of(Status::Timeout),
            ],
            Self::Unanswered => [Status::Error, Status::Timeout, Status::RateLimited]
                .map(of)
                .to_vec(),
        }
    }
}

impl Branch {
    fn is_indexed(self) -> bool {
        self.status.is_some_and(|status| status != Status::Success)
    }
}

impl LogFilter {
    pub(crate) fn rows(&self) -> i64 {
        match self.limit {
            0 => 50,
            limit => limit.clamp(1, 500),
        }
    }

    /// Whose fault is asked for, where that filters anything.
    pub(crate) fn fault(&self) -> Option<FaultOwner> {
        self.fault_owner.filter(|owner| *owner != FaultOwner::None)
    }

    /// The conditions that may lead through the rows where others have to be held against them; none where what is
    /// asked for lies together.
    pub(crate) fn leads(&self, branch: Branch) -> Vec<By> {
        let succeeded = |status: Option<i64>| status.is_some_and(|status| !is_failure(status));
        let others = branch.wrong
            || branch.status == Some(Status::Success)
            || succeeded(self.http_status)
            || succeeded(self.upstream_status);
        let indexed = self.indexed(branch);
        match indexed.len() {
            0 if others => vec![By::Time],
            0 => Vec::new(),
            1 if !others => Vec::new(),
            _ => indexed,
        }
    }

    /// The conditions that have an index of their own.
    fn indexed(&self, branch: Branch) -> Vec<By> {
        let failed = |status: Option<i64>| status.is_some_and(is_failure);
        [
            (By::Code, self.error_code.is_some()),
            (By::Upstream, failed(self.upstream_status)),
            (By::Http, failed(self.http_status)),
            (By::Fault, self.fault().is_some()),
            (By::Status, branch.is_indexed()),
            (By::Credential, self.provider_key_id.is_some()),
            (By::UpstreamModel, self.upstream_model.is_some()),
            (By::Key, self.api_key_id.is_some()),
            (By::Model, self.model_id.is_some()),
            (By::Provider, self.provider_id.is_some()),
        ]
        .into_iter()
        .filter_map(|(by, is_set)| is_set.then_some(by))
        .collect()
    }

    /// Of all conditions this one, in the same time.
    pub(crate) fn only(&self, by: By) -> Self {
        let Self {
            from_ms,
            to_ms,
            before,
            ..
        } = *self;
        let mut one = Self {
            from_ms,
            to_ms,
            before,
            ..Self::default()
        };
        match by {
            By::Status | By::Time => {}
            By::Fault => one.fault_owner = self.fault_owner,
            By::Code => one.error_code.clone_from(&self.error_code),
            By::Http => one.http_status = self.http_status,
            By::Upstream => one.upstream_status = self.upstream_status,
            By::Credential => one.provider_key_id = self.provider_key_id,
            By::UpstreamModel => one.upstream_model.clone_from(&self.upstream_model),
            By::Key => one.api_key_id = self.api_key_id,
            By::Model => one.model_id = self.model_id,
            By::Provider => one.provider_id = self.provider_id,
        }
        one
    }

    /// Whether only what did not succeed can fit: said to the database too, whose indexes hold nothing else.
    pub(crate) fn is_of_failures(&self, branch: Branch) -> bool {
        let failed = |status: Option<i64>| status.is_some_and(is_failure);
        branch.is_indexed()
            || self.error_code.is_some()
            || self.fault().is_some()
            || failed(self.http_status)
            || failed(self.upstream_status)
    }
}

/// Whether no success has this HTTP status.
fn is_failure(status: i64) -> bool {
    !(200..300).contains(&status)
}

/// Said literally, so that both engines see that their partial indexes hold all that is asked for.
pub(crate) fn not_success() -> diesel::expression::SqlLiteral<Bool> {
    diesel::dsl::sql("status <> 'success'")
}

/// A condition that no index serves: it is looked at in the rows that another one leads to. Neither engine knows how
/// many rows fit two conditions, and a wrong guess reads the whole table.
#[derive(Clone, Copy, Debug, QueryId)]
pub(crate) struct Sifted<E>(pub(crate) E);

impl<E: Expression<SqlType = Bool>> Expression for Sifted<E> {
    type SqlType = Bool;
}

impl<E, G> ValidGrouping<G> for Sifted<E> {
    type IsAggregate = is_aggregate::No;
}

impl<E: AppearsOnTable<T>, T> AppearsOnTable<T> for Sifted<E> where Self: Expression {}

impl<E: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Sifted<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("case when ");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" then 1 else 0 end = 1");
        Ok(())
    }
}

/// The rows of a table that a filter lets through in one branch, before any order, from row `$floor` on. With a `$by`,
/// its index alone leads to them.
macro_rules! matching {
    ($table:ident, $filter:expr, $branch:expr, $by:expr, $floor:expr) => {{
        use $crate::log_filter::{Branch, By, LogFilter, Sifted, not_success};
        use $table as t;
        let (filter, branch): (&LogFilter, Branch) = ($filter, $branch);
        let (by, floor): (Option<By>, Option<i64>) = ($by, $floor);
        let mut query = t::table.into_boxed::<DB>();
        macro_rules! keep {
            ($own:expr, $value:expr, $condition:expr) => {
                if let Some(value) = $value {
                    query = if by.is_none_or(|by| by == $own) {
                        query.filter($condition(value))
                    } else {
                        query.filter(Sifted($condition(value)))
                    };
                }
            };
        }
        keep!(By::Key, filter.api_key_id, |id: ApiKeyId| t::api_key_id
            .eq(id.0));
        keep!(By::Model, filter.model_id, |id: ModelId| t::model_id
            .eq(id.0));
        keep!(By::Provider, filter.provider_id, |id: ProviderId| {
            t::provider_id.eq(id.0)
        });
        keep!(
            By::Credential,
            filter.provider_key_id,
            |id: ProviderKeyId| { t::provider_key_id.eq(id.0) }
        );
        keep!(
            By::UpstreamModel,
            filter.upstream_model.clone(),
            |name: String| { t::upstream_model.eq(name) }
        );
        keep!(By::Status, branch.status, |status: Status| t::status
            .eq(status.as_str()));
        keep!(By::Fault, filter.fault(), |owner: FaultOwner| {
            t::fault_owner.eq(owner.as_str())
        });
        keep!(By::Code, filter.error_code.clone(), |code: String| {
            t::error_code.eq(code)
        });
        keep!(By::Http, filter.http_status, |status: i64| t::http_status
            .eq(status));
        keep!(By::Upstream, filter.upstream_status, |status: i64| {
            t::upstream_status.eq(status)
        });
        if branch.ended {
            query = query.filter(Sifted(t::status.ne(Status::Pending.as_str())));
        }
        if branch.wrong {
            let others = [FaultOwner::Caller.as_str(), FaultOwner::Policy.as_str()];
            query = query.filter(Sifted(t::fault_owner.ne(others[0])));
            query = query.filter(Sifted(t::fault_owner.ne(others[1])));
        }
        if filter.is_of_failures(branch) {
            query = query.filter(not_success());
        }
        // The id holds the time, so the primary key serves time ranges too.
        if let Some(ms) = filter.from_ms {
            query = query.filter(t::id.ge(RequestId::lower_bound(ms).0));
        }
        if let Some(ms) = filter.to_ms {
            query = query.filter(t::id.lt(RequestId::lower_bound(ms).0));
        }
        if let Some(id) = filter.before {
            query = query.filter(t::id.lt(id.0));
        }
        if let Some(id) = floor {
            query = query.filter(t::id.ge(id));
        }
        query
    }};
}
/// Of the conditions that have an index, the one whose newest `most` rows reach farthest back, and where they end;
/// nowhere where one of them has no more rows than that.
macro_rules! leading {
    ($c:expr, $table:ident, $filter:expr, $branch:expr, $most:expr) => {{
        let (filter, branch, most): (&LogFilter, Branch, i64) = ($filter, $branch, $most);
        let mut leading: (Option<By>, Option<i64>) = (None, None);
        if most != i64::MAX {
            for by in filter.leads(branch) {
                let alone = filter.only(by);
                let branch = if by == By::Status {
                    Branch {
                        wrong: false,
                        ..branch
                    }
                } else {
                    Branch::default()
                };
                let floor: Option<i64> = db!($c, |c| {
                    matching!($table, &alone, branch, None, None)
                        .order($table::id.desc())
                        .offset(most - 1)
                        .select($table::id)
                        .first(c)
                        .await
                        .optional()
                })?;
                if leading.0.is_none() || floor < leading.1 {
                    leading = (Some(by), floor);
                }
                if floor.is_none() {
                    break;
                }
            }
        }
        leading
    }};
}

pub(crate) use {leading, matching};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_failures_have_is_looked_for_among_them() {
        let of = |http_status| LogFilter {
            http_status: Some(http_status),
            ..LogFilter::default()
        };
        let branch = Branch::default();
        assert!(of(503).is_of_failures(branch) && of(0).is_of_failures(branch));
        assert!(
            !of(200).is_of_failures(branch),
            "a stream may break off later"
        );
        let none = LogFilter {
            fault_owner: Some(FaultOwner::None),
            ..LogFilter::default()
        };
        assert!(none.leads(branch).is_empty());
        assert!(of(503).leads(branch).is_empty(), "alone it lies together");
        assert_eq!(of(200).leads(branch), [By::Time]);
        let both = LogFilter {
            api_key_id: Some(ApiKeyId(1)),
            ..of(503)
        };
        assert_eq!(both.leads(branch), [By::Http, By::Key]);
        assert_eq!(States::Wrong.branches().len(), 2);
    }
}
