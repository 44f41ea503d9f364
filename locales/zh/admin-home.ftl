admin-home-range = 时间范围
admin-home-range-today = 今天
admin-home-range-24h = 24 小时
admin-home-range-7d = 7 天
admin-home-range-30d = 30 天
admin-home-pause = 暂停刷新
admin-home-start = 快速开始
admin-home-start-body = 四步即可通过本网关得到第一个回答。
admin-home-step-provider = 添加供应商及其密钥
admin-home-step-model = 提供一个模型
admin-home-step-key = 创建 API 密钥
admin-home-step-call = 发起一次调用，并在请求日志中查看
admin-home-step-done = 已完成
admin-home-requests = 请求数
admin-home-tokens = Token 数
admin-home-tokens-more = 输入 { $input } · 输出 { $output }
admin-home-cost = 费用
admin-home-cost-unpriced =
    { $count ->
       *[other] { $value } 次调用未定价
    }
admin-home-error-rate = 错误率
admin-home-errors-more =
    { $count ->
       *[other] { $value } 个错误
    }
admin-home-active = 正在进行
admin-home-active-more = { $streams } 个流 · { $keys } 个密钥
admin-home-live = 实时
admin-home-ttft = 首个 Token（中位数）
admin-home-ttft-more = p95 { $p95 } · 全程 { $total }
admin-home-timeouts = 超时
admin-home-rate-limited = 被限流
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
admin-home-models = 模型
admin-home-keys = API 密钥
admin-home-share = { $requests } · { $tokens }
admin-home-share-hint = 请求 · Token
admin-home-provider-note = { $all } 个密钥中 { $usable } 个可用 · { $mean }
admin-home-model-note = 首个 Token { $ttft }
admin-home-key-running =
    { $count ->
       *[other] { $value } 个进行中
    }
admin-home-trend = 流量
admin-home-trend-errors = 错误
admin-home-trend-period = 时段
admin-home-notice-left-out =
    { $count ->
       *[other] 配置中有 { $value } 行未生效。
    }
admin-home-notice-note = { $object }：{ $problem }。
