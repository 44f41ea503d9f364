//! Accounts in a provisioning file: what they may do and use. Never a password: its owner chooses it by a link that an
//! administrator makes, or `admin reset-password` sets one.

use std::collections::BTreeMap;

use modelgate_domain::{LimitScope, Permission, Role, UserId};
use modelgate_store::catalog::CatalogRows;
use modelgate_store::users::{self, NewUser, UserData};
use modelgate_store::{Conn, StoreError};

use super::document::{Placed, Problem, Table};
use super::export;
use super::file::{line, one_of};
use super::load::allowances;
use super::merge::{entry, no_model, set};
use super::rules::{self, Allowance, AllowanceSpecs};
use super::state::{Field, State, allowed, field};
use super::write::{Writer, differ, set_limits};
use crate::config::username;

/// The fields of `[[users]]`.
pub(super) const FIELDS: &[&str] = &[
    "name",
    "display_name",
    "role",
    "enabled",
    "limits",
    "budget",
];

/// One of `[[users]]`.
#[derive(Debug)]
pub(super) struct UserSpec {
    pub(super) name: Placed<String>,
    display_name: Option<String>,
    role: Option<Role>,
    enabled: Option<bool>,
    allowances: AllowanceSpecs,
}

/// An account. `id` is absent until it is written.
#[derive(Clone)]
pub(super) struct User {
    id: Option<UserId>,
    pub(super) name: String,
    display_name: String,
    role: Role,
    enabled: bool,
    /// Whether it can log in once it is switched on.
    has_password: bool,
    pub(super) allowances: Vec<Allowance>,
}

impl User {
    pub(super) fn fields(&self) -> Vec<Field> {
        vec![
            field("display_name", &self.display_name),
            field("role", self.role),
            field("enabled", self.enabled),
        ]
        .into_iter()
        .chain(allowed(&self.allowances))
        .collect()
    }

    fn is_owner(&self) -> bool {
        self.enabled && self.has_password && self.role.may(Permission::Owners)
    }
}

/// Reads one of `[[users]]`.
pub(super) fn read(table: &Table<'_>) -> Result<UserSpec, Problem> {
    let name = table.required("name", "the name to log in with, as in name = \"ann\"")?;
    if let Err(right) = username(&name.value) {
        return Err(name.place.problem(right));
    }
    Ok(UserSpec {
        name,
        display_name: line(table, "display_name")?,
        role: one_of(table, "role", Role::ALL, Role::as_str)?,
        enabled: table.boolean("enabled")?,
        allowances: AllowanceSpecs::read(table, rules::MODEL_LIMITS, rules::BUDGET)?,
    })
}

/// The accounts as rows have them.
pub(super) fn load(rows: &CatalogRows) -> Vec<User> {
    let user = |row: &users::User| User {
        id: Some(row.id),
        name: row.username.clone(),
        display_name: row.display_name.clone(),
        role: row.role,
        enabled: row.enabled,
        has_password: row.password_hash.is_some(),
        allowances: allowances(rows, LimitScope::User, row.id.0, |_| true),
    };
    rows.users.iter().map(user).collect()
}

/// Lays the file's accounts over those there are. It never takes the last owner away.
pub(super) fn merge(next: &mut State, specs: &[UserSpec]) -> Result<(), Problem> {
    let had_owner = next.users.iter().any(User::is_owner);
    for spec in specs {
        let make = || User {
            id: None,
            name: spec.name.value.clone(),
            display_name: String::new(),
            role: Role::User,
            enabled: true,
            has_password: false,
            allowances: Vec::new(),
        };
        let Some(user) = entry(&mut next.users, |u| u.name == spec.name.value, make) else {
            continue;
        };
        set(&mut user.display_name, spec.display_name.as_ref());
        set(&mut user.role, spec.role.as_ref());
        set(&mut user.enabled, spec.enabled.as_ref());
        user.allowances = spec.allowances.over(&user.allowances, no_model)?;
        if had_owner && !next.users.iter().any(User::is_owner) {
            let right = "is the last owner who can log in: make another first";
            return Err(spec.name.place.problem(right));
        }
    }
    Ok(())
}

/// The account that a key's `user` names; empty for none.
pub(super) fn known(next: &State, name: &Placed<String>) -> Result<String, Problem> {
    let is_there = next.users.iter().any(|user| user.name == name.value);
    if is_there || name.value.is_empty() {
        Ok(name.value.clone())
    } else {
        let right = "there is no such account: name one of [[users]], or \"\" for none";
        Err(name.place.problem(right))
    }
}

/// One of `[[users]]` as a file has it.
pub(super) fn write_toml(out: &mut String, user: &User) {
    out.push_str("\n[[users]]\n");
    export::line(out, "name", &export::text(&user.name));
    if !user.display_name.is_empty() {
        export::line(out, "display_name", &export::text(&user.display_name));
    }
    export::line(out, "role", &export::text(user.role.as_str()));
    export::line(out, "enabled", &user.enabled.to_string());
    export::allowances(out, &user.allowances);
}

impl Writer {
    /// Writes one account where it differs.
    pub(super) async fn user(
        &self,
        c: &mut Conn,
        old: Option<&User>,
        new: &User,
    ) -> Result<UserId, StoreError> {
        if let Some(id) = new.id
            && !differ(old.map(User::fields), &new.fields())
        {
            return Ok(id);
        }
        let data = UserData {
            username: new.name.clone(),
            display_name: new.display_name.clone(),
            role: new.role,
            enabled: new.enabled,
        };
        let id = match new.id {
            Some(id) => id,
            None => {
                let made = NewUser {
                    username: data.username.clone(),
                    email: None,
                    display_name: String::new(),
                    password_hash: None,
                    must_change_password: false,
                    role: data.role,
                };
                users::insert(c, &made, self.now).await?
            }
        };
        users::update(c, id, &data, self.now).await?;
        let subject = (LimitScope::User, id.0);
        set_limits(c, subject, &new.allowances, &BTreeMap::new()).await?;
        Ok(id)
    }
}
