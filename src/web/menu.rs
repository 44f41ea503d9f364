//! The menu on the left: one row per section, with its keyboard letter.

use modelgate_domain::Permission;

use super::shell::Shell;

struct Row {
    path: &'static str,
    icon: &'static str,
    title: &'static str,
    /// `g` and this letter go there.
    letter: char,
    /// Stands apart from the row above.
    apart: bool,
}

const ADMIN: &[Row] = &[
    Row {
        path: "/admin/home",
        icon: "home",
        title: "menu-home",
        letter: 'h',
        apart: false,
    },
    Row {
        path: "/admin/monitor",
        icon: "activity",
        title: "menu-monitor",
        letter: 'o',
        apart: false,
    },
    Row {
        path: "/admin/logs",
        icon: "list-details",
        title: "menu-logs",
        letter: 'l',
        apart: false,
    },
    Row {
        path: "/admin/explain",
        icon: "help",
        title: "menu-explain",
        letter: 'e',
        apart: false,
    },
    Row {
        path: "/admin/config/providers",
        icon: "server-2",
        title: "menu-providers",
        letter: 'p',
        apart: true,
    },
    Row {
        path: "/admin/config/models",
        icon: "cube",
        title: "menu-models",
        letter: 'm',
        apart: false,
    },
    Row {
        path: "/admin/errors",
        icon: "alert-circle",
        title: "menu-analysis",
        letter: 'f',
        apart: false,
    },
    Row {
        path: "/admin/config/errors",
        icon: "alert-triangle",
        title: "menu-errors",
        letter: 'r',
        apart: false,
    },
    Row {
        path: "/admin/config/busyness",
        icon: "gauge",
        title: "menu-busyness",
        letter: 'b',
        apart: false,
    },
    Row {
        path: "/admin/api-keys",
        icon: "key",
        title: "menu-api-keys",
        letter: 'k',
        apart: false,
    },
    Row {
        path: "/admin/users",
        icon: "user",
        title: "menu-users",
        letter: 'u',
        apart: false,
    },
    Row {
        path: "/admin/notifications",
        icon: "bell",
        title: "menu-notifications",
        letter: 'n',
        apart: false,
    },
    Row {
        path: "/admin/reports",
        icon: "table",
        title: "menu-reports",
        letter: 'w',
        apart: false,
    },
    Row {
        path: "/admin/documents",
        icon: "file-text",
        title: "menu-documents",
        letter: 'd',
        apart: false,
    },
    Row {
        path: "/admin/audit",
        icon: "shield-lock",
        title: "menu-audit",
        letter: 'a',
        apart: false,
    },
    Row {
        path: "/admin/usage",
        icon: "plug",
        title: "menu-usage",
        letter: 'c',
        apart: false,
    },
    Row {
        path: "/admin/scheduler",
        icon: "clock",
        title: "menu-scheduler",
        letter: 'j',
        apart: false,
    },
    Row {
        path: "/admin/storage",
        icon: "database",
        title: "admin-storage-title",
        letter: 'z',
        apart: false,
    },
    Row {
        path: "/admin/system-config",
        icon: "settings",
        title: "menu-settings",
        letter: 's',
        apart: false,
    },
];

const USER: &[Row] = &[
    Row {
        path: "/user/dashboard",
        icon: "activity",
        title: "menu-dashboard",
        letter: 'd',
        apart: false,
    },
    Row {
        path: "/user/models",
        icon: "cube",
        title: "menu-own-models",
        letter: 'm',
        apart: false,
    },
    Row {
        path: "/user/playground",
        icon: "player-play",
        title: "menu-playground",
        letter: 'p',
        apart: false,
    },
    Row {
        path: "/user/tools",
        icon: "plug",
        title: "menu-tools",
        letter: 't',
        apart: false,
    },
    Row {
        path: "/user/documents",
        icon: "file-text",
        title: "menu-own-documents",
        letter: 'c',
        apart: false,
    },
    Row {
        path: "/user/notifications",
        icon: "bell",
        title: "menu-own-notifications",
        letter: 'n',
        apart: false,
    },
];

/// A row as the template shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it goes.
    pub href: String,
    /// Its symbol in the sprite.
    pub icon: &'static str,
    /// What it says.
    pub title: String,
    /// Its keyboard letter.
    pub letter: char,
    /// Whether the present page is in it.
    pub is_current: bool,
    /// Whether it stands apart from the row above.
    pub apart: bool,
    /// What waits there: to show, and to be read aloud.
    pub badge: Option<(String, String)>,
}

/// The rows that the person may use.
pub(super) fn entries(page: &Shell) -> Vec<Entry> {
    let path = page.path();
    let rows = if path.starts_with("/user/") || !page.may(Permission::Look) {
        USER
    } else {
        ADMIN
    };
    rows.iter()
        .map(|row| Entry {
            href: page.url(row.path),
            icon: row.icon,
            title: page.t(row.title),
            letter: row.letter,
            is_current: path
                .strip_prefix(row.path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            apart: row.apart,
            badge: page.badge(row.path),
        })
        .collect()
}
