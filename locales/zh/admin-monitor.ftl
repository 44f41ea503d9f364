admin-monitor-empty = 此时间范围内没有请求。
admin-monitor-empty-link = 最近 30 天
admin-monitor-composition = 构成
admin-monitor-by = 份额依据
admin-monitor-by-requests = 请求
admin-monitor-by-tokens = Token
admin-monitor-by-cost = 费用
admin-monitor-providers = 供应商
admin-monitor-models = 模型
admin-monitor-keys = API 密钥
admin-monitor-credentials = 供应商密钥
admin-monitor-active = { $value } 个在用
admin-monitor-others =
    { $count ->
       *[other] 其余 { $value } 个
    }
admin-monitor-told = { $request-count ->
   *[other] { $requests } 次请求
} · { $token-count ->
   *[other] { $tokens } Token
}
admin-monitor-first = 第一名占 { $one }。
admin-monitor-first-three = 第一名占 { $one }，前三名共占 { $three }。
admin-monitor-errors = 错误热点
admin-monitor-errors-hint = 供应商与网关，按错误率
admin-monitor-errors-none = 供应商与网关均无错误。
admin-monitor-timeouts = 超时热点
admin-monitor-timeouts-hint = 按次数
admin-monitor-timeouts-none = 所有回答都按时到达。
admin-monitor-kind-provider = 供应商
admin-monitor-kind-model = 模型
admin-monitor-kind-key = API 密钥
admin-monitor-spot = { $requests } 次中 { $count } 次
admin-monitor-times = 响应时间
admin-monitor-times-hint = 秒，仅完整回答
admin-monitor-busyness = 繁忙程度
admin-monitor-busyness-minutes = 分钟（所有实例合计）
admin-monitor-busyness-rules = 繁忙规则
admin-monitor-answered = 回答数
admin-monitor-mean = 平均
admin-monitor-range = 最短 – 最长
admin-monitor-range-drawn = 从最短到最长，中位数到 p95 的部分加粗
admin-monitor-first-p50 = 首个 Token p50
admin-monitor-first-p95 = 首个 Token p95
admin-monitor-per-second = Token/秒
admin-monitor-all-models = 全部模型
admin-monitor-first-token = 首个 Token（中位数）
admin-monitor-response = 响应时间（中位数）
admin-monitor-p95 = p95 { $p95 }
admin-monitor-writing = 每秒输出 Token
admin-monitor-writing-more = 回答期间
admin-monitor-heat = 各模型各时段的响应时间
admin-monitor-heat-hint = 平均值，最多取范围内最后 { $days } 天
admin-monitor-heat-table = 各模型在一天各小时的平均响应时间（秒）
admin-monitor-answers =
    { $count ->
       *[other] { $value } 个回答
    }
