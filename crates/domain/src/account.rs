//! People who run the gateway or use it, and what each may do.

use crate::closed_set::closed_set;

closed_set! {
    /// What an account is for. What it may do stands in [`Role::may`].
    Role {
        /// Uses the gateway: sees its own keys and usage.
        #[default]
        User = "user",
        /// Looks at everything in the console but secrets, and changes nothing.
        Viewer = "viewer",
        /// Keeps the gateway running: everything but secrets, deletion, settings and accounts.
        Operator = "operator",
        /// Runs the gateway.
        Admin = "admin",
        /// Runs the gateway, and decides who else does.
        Owner = "owner",
    }
}

closed_set! {
    /// What a page or an action of the console asks for.
    Permission {
        /// Looking at pages, figures and logs.
        #[default]
        Look = "look",
        /// Changing models, targets, prices, rules and limits; switching and testing what exists.
        Operate = "operate",
        /// Issuing keys, and entering or redirecting vendors' credentials.
        Secrets = "secrets",
        /// Ending things for good.
        Delete = "delete",
        /// The settings of the gateway.
        Configure = "configure",
        /// Other people's accounts.
        Accounts = "accounts",
        /// The accounts of those who run the gateway.
        Owners = "owners",
    }
}

impl Role {
    /// The one table of who may do what.
    #[rustfmt::skip]
    pub const fn may(self, asked: Permission) -> bool {
        use Permission as P;
        match self {
            Self::User     => false,
            Self::Viewer   => matches!(asked, P::Look),
            Self::Operator => matches!(asked, P::Look | P::Operate),
            Self::Admin    => !matches!(asked, P::Owners),
            Self::Owner    => true,
        }
    }

    /// Whether accounts of this role keep the gateway from being without anyone to run it.
    pub const fn runs_the_gateway(self) -> bool {
        self.may(Permission::Accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_what_the_one_below_it_may() {
        for pair in Role::ALL.windows(2) {
            for asked in Permission::ALL {
                assert!(
                    !pair[0].may(*asked) || pair[1].may(*asked),
                    "{} but not {}: {asked}",
                    pair[0],
                    pair[1]
                );
            }
        }
        assert!(!Role::User.may(Permission::Look));
        assert!(
            !Role::Operator.may(Permission::Secrets) && !Role::Operator.may(Permission::Delete)
        );
    }
}
