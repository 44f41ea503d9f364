admin-api-keys-title = API 密钥
admin-api-keys-add = 创建密钥
admin-api-keys-empty-title = 还没有 API 密钥
admin-api-keys-empty-body = 程序凭密钥调用本网关。为每个人或工具各建一个，便于区分用量和限额。
admin-api-keys-name = 名称
admin-api-keys-key = 密钥
admin-api-keys-models = 模型
admin-api-keys-last-used = 最近使用
admin-api-keys-all = 全部
admin-api-keys-none = 无
admin-api-keys-active = 有效
admin-api-keys-off = 已停用
admin-api-keys-expired = 已过期
admin-api-keys-requests = 本月请求
admin-api-keys-spent = 本月费用
admin-api-keys-search = 搜索
admin-api-keys-search-hint = 名称、密钥开头、标签、所属账号
admin-api-keys-tag = 标签
admin-api-keys-any = 不限
admin-api-keys-apply = 查看
admin-api-keys-owner-none = 无
admin-api-keys-state-active = 有效
admin-api-keys-state-off = 已停用
admin-api-keys-state-expired = 已过期
admin-api-keys-state-unused = 从未使用
admin-api-keys-shown = 第 { $from }–{ $to } 个，共 { $count } 个
admin-api-keys-no-match = 没有匹配的密钥
admin-api-keys-no-match-body = 换一个搜索词，或去掉一个筛选条件。
admin-api-keys-tick = 选择 { $name }
admin-api-keys-bulk = 对勾选的密钥
admin-api-keys-bulk-all =
    { $count ->
       *[other] 此列表的全部 { $value } 个密钥，不限于本页
    }
admin-api-keys-bulk-enable = 启用
admin-api-keys-bulk-disable = 停用
admin-api-keys-bulk-tags = 标签，以逗号分隔
admin-api-keys-bulk-tag = 添加
admin-api-keys-bulk-untag = 移除
admin-api-keys-bulk-expires = 过期时间（留空：永不）
admin-api-keys-bulk-expire = 设置
admin-api-keys-bulk-revoke = 吊销…
admin-api-keys-bulk-none = 请至少勾选一个密钥。
admin-api-keys-bulk-past =
    { $count ->
        [0] 无需更改。
       *[other] 已更改 { $value } 个密钥。到期时间已过，这些密钥的调用从现在起会被拒绝。
    }
admin-api-keys-bulk-done =
    { $count ->
        [0] 无需更改。
       *[other] 已更改 { $value } 个密钥。
    }
admin-api-keys-bulk-revoked =
    { $count ->
       *[other] 已吊销 { $value } 个密钥。
    }
admin-api-keys-bulk-revoke-title =
    { $count ->
       *[other] 吊销 { $value } 个密钥？
    }
admin-api-keys-bulk-revoke-body = 使用它们的程序将在一秒内被拒绝，且无法恢复。请求日志保留其名称。
admin-api-keys-bulk-revoke-button =
    { $count ->
       *[other] 吊销 { $value } 个密钥
    }
