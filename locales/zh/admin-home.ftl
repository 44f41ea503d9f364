admin-home-pause = 暂停刷新
admin-home-start = 快速开始
admin-home-start-body = 五步即可通过本网关得到第一个回答。
admin-home-step-provider = 添加供应商及其密钥
admin-home-step-model = 提供一个模型
admin-home-step-key = 创建 API 密钥
admin-home-step-call = 发起一次调用，并在请求日志中查看
admin-home-step-done = 已完成
admin-home-active = 正在进行
admin-home-active-more = { $streams } 个流 · { $count ->
   *[other] { $keys } 个密钥
}
admin-home-live = 实时
admin-home-notice-journal =
    { $count ->
        [0] 记录无法写入数据库；调用照常服务，数字会滞后。
       *[other] 数据库写入滞后：流水日志中有 { $value } 条记录等待写入。
    }
admin-home-notice-stopped = 日志空间已满（或磁盘已满）：在腾出空间之前，调用会被拒绝。
admin-home-notice-unrecorded = 日志空间已满（或磁盘已满）：调用照常提供，但不留记录。
admin-home-notice-errors = 最近半小时内，{ $rate } 的调用因供应商或本网关出错。
admin-home-notice-limited = 最近半小时内，{ $rate } 的调用因限流被拒。
admin-home-notice-credentials = { $names } 没有可用的密钥。
admin-home-notice-affected = 查看受影响的请求
admin-home-notice-providers = 查看供应商
admin-home-nothing = 此时间范围内没有数据。
admin-home-slow = 慢请求
admin-home-slow-from = { $from }以上
admin-home-slow-none = 没有慢请求。
admin-home-providers = 供应商
admin-home-keys = API 密钥
admin-home-share = { $requests } · { $tokens }
admin-home-share-hint = 请求 · Token
admin-home-provider-note = { $all } 个密钥中 { $usable } 个可用 · { $mean }
admin-home-key-running =
    { $count ->
       *[other] { $value } 个进行中
    }
admin-home-notice-left-out =
    { $count ->
       *[other] 配置中有 { $value } 行未生效。
    }
admin-home-notice-note = { $object }：{ $problem }。
admin-home-tps = 每秒 Token
admin-home-tps-more = 最近五分钟
admin-home-busyness = 繁忙程度
admin-home-busyness-more = 10 分钟内 { $count ->
   *[other] { $keys } 个密钥
} · { $refused } 被拒
admin-home-people = 活跃密钥
admin-home-people-hint = 10 分钟
admin-home-people-none = 十分钟内没有人调用。
admin-home-key-calls =
    { $count ->
       *[other] { $value } 次调用
    }
admin-home-key-tokens = { $count ->
   *[other] { $tokens } Token
}
admin-home-slow-input = 输入 { $tokens }
admin-home-notice-busy = { $level }：{ $count ->
   *[other] { $keys } 个密钥活跃
}，十分钟内 { $refused } 的调用被拒。
admin-home-notice-rules = 繁忙时的规则
