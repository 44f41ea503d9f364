# 各页面共用的时间范围与统计数字。
figures-range = 时间范围
figures-range-today = 今天
figures-range-24h = 24 小时
figures-range-7d = 7 天
figures-range-30d = 30 天
figures-range-month = 本月
figures-range-year = 今年
figures-range-custom = 自定义…
figures-range-from = 从
figures-range-to = 到
figures-range-apply = 查看
figures-range-shown = { $from } 至 { $to }
figures-range-business = 较长的范围按 { $zone } 的整天保存
figures-requests = 请求数
figures-tokens = Token 数
figures-tokens-more = 输入 { $input } · 输出 { $output }
figures-cost = 费用
figures-unpriced =
    { $count ->
       *[other] { $value } 次调用未定价
    }
figures-error-rate = 错误率
figures-error-rate-more = 供应商与网关
figures-errors = 错误
figures-errors-callers = 其中 { $value } 个由调用方造成
figures-errors-rules = 其中 { $value } 个由规则拒绝
figures-timeouts = 超时
figures-rate-limited = 被限流
figures-trend = 流量
figures-trend-period = 时段
