admin-user-link = 生成新的密码链接
admin-user-enabled = 账号及其密钥可用
admin-user-saved = 已保存。
admin-user-last-owner = 这是最后一个能够登录的所有者。
admin-user-no-limits = 没有自己的限额。
admin-user-limits-hint = 由此账号的所有密钥共享。留空表示不限。
admin-user-keys = API 密钥
admin-user-no-keys = 无。密钥归谁所有，在密钥自己的页面上设置。
admin-user-delete-title = 删除账号 { $name }？
admin-user-delete-body = 此后任何人都无法用它登录，其用户名可再次使用。
admin-user-delete-sessions =
    { $count ->
        [0] 目前没有人用它登录。
       *[other] { $value } 个会话将结束。
    }
admin-user-delete-keys =
    { $count ->
        [0] 它没有 API 密钥。
       *[other] 它有 { $value } 个 API 密钥：吊销后立即停用；转交后继续有效，其以往用量计入新的所有者。
    }
admin-user-delete-usage = 密钥吊销后，其用量仍以此名称保留在所有统计中。此操作无法撤销。
admin-user-delete-what-of-keys = 如何处理其密钥
admin-user-delete-revoke = 吊销
admin-user-delete-hand-over = 转交给 { $name }
admin-user-delete-button = 删除账号
admin-user-delete-oneself = 您正使用此账号登录：须由他人删除。
admin-user-deleted = 已删除 { $name }。
