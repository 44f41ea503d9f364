# 使用报告：文档、工作簿、文本。
report-title = 使用报告
report-range = { $from } 至 { $to }
report-quoted = “{ $name }”
report-two-sentences = { $first }{ $second }
report-list-comma = 、
report-page = 第 { $page } 页，共 { $pages } 页
report-made = 生成于 { $at }
report-contents = 目录
report-fact-range = 统计周期
report-fact-zone = 时区
report-fact-scope = 范围
report-fact-before = 对比周期
report-fact-made = 生成时间
report-scope-everyone = 全部 API 密钥
report-scope-user = { $name } 的 API 密钥
report-scope-key = API 密钥 { $name }
report-scope-tag = 带标签 { $name } 的 API 密钥
report-scope-without = { $scope }，不含 { $keys }
report-none-chosen = （未选定）
report-no-key = （无密钥）
report-count-keys =
    { $count ->
       *[other] { $value } 个密钥
    }
report-count-days =
    { $count ->
       *[other] { $value } 天
    }
report-count-requests =
    { $count ->
       *[other] { $value } 次请求
    }
report-count-night =
    { $count ->
       *[other] 夜间 { $value } 次请求
    }
report-count-tokens =
    { $count ->
       *[other] { $value } 个 token
    }
report-count-models =
    { $count ->
       *[other] { $value } 个模型
    }

report-chapter-summary = 摘要
report-chapter-trends = 趋势
report-chapter-people = 谁用了什么
report-chapter-models = 模型与供应商
report-chapter-money = 费用
report-chapter-reliability = 可靠性
report-chapter-hours = 繁忙时段
report-chapter-awards = 趣味奖项
report-chapter-advice = 建议
report-chapter-appendix = 附录
report-section-figures = 数据一览
report-section-requests = 请求
report-section-tokens = Token
report-section-busiest-days = 最忙的日子
report-section-models = 模型
report-section-providers = 供应商
report-section-currency = { $currency } 费用
report-section-error-rate = 错误率走势
report-section-times = 响应时间
report-section-limits = 触及的限制
report-section-all-keys = 全部 API 密钥
report-section-terms = 名词说明

report-summary-empty = 本周期内没有任何使用。
report-summary-volume =
    { $count ->
       *[other] { $days }内，{ $keys }共发起 { $requests } 次请求。
    }
report-summary-change = 上一周期为 { $before }次，变化 { $change }。
report-summary-nothing-before = 上一周期没有请求，无从比较。
report-summary-tokens = 共使用 { $tokens } 个 token：输入 { $input }（其中 { $cached } 来自供应商缓存），输出 { $output }。
report-summary-money = 有定价的请求共花费 { $money }。
report-summary-unpriced =
    { $count ->
       *[other] 另有 { $value } 次请求（含失败的）没有定价，未计入。
    }
report-summary-reliability = { $rate } 的请求因网关或供应商而失败。95% 的成功请求在 { $p95 }内完成，95% 的流在 { $ttft }内给出首个 token。
report-summary-favourites = 使用最多的模型是{ $model }，占请求的 { $share }；最忙的一天是 { $day }，有 { $requests } 次请求。

report-note-unfinished = 周期尚未结束：数据截至 { $until }，上一周期只取相同长度来比较。
report-note-change = 变化均与长度相同的上一周期相比。
report-card-requests = 请求
report-card-tokens = Token
report-card-tokens-more = 输入 { $input } · 输出 { $output }
report-card-cost = 费用
report-card-keys = 活跃密钥
report-card-keys-more =
    { $count ->
       *[other] 其中 { $value } 个此前也活跃
    }
report-card-error-rate = 错误率
report-card-timeouts = 超时
report-card-p95 = 响应时间 p95
report-card-ttft = 首个 token p95
report-card-was = 此前 { $before }

report-trends-days = 每根柱或每个点是报告时区的一天。
report-trends-weeks = 每根柱或每个点是从周一开始的一周，以首日标注；首尾两周可能不完整。
report-chart-caption = { $title }（单位：{ $unit }）
report-chart-alt = { $title }，{ $from } 至 { $to }。最高值 { $highest }，出现在 { $day }。
report-chart-requests = 按结果统计的请求
report-chart-tokens = 按种类统计的 token
report-chart-cost = { $of } 费用
report-chart-error-rate = 因网关或供应商而失败的请求占比
report-unit-thousand = 千
report-unit-million = 百万
report-unit-billion = 十亿
report-unit-percent = %
report-legend-success = 成功
report-legend-errors = 错误与超时
report-legend-others = 被拒绝或取消
report-legend-input = 输入
report-legend-output = 输出
report-legend-cached = 缓存输入
report-table-busiest-days = 请求最多的日子

report-people-intro = 请求最多的 { $keys }占全部请求的 { $share }。
report-people-all = 本周期的请求来自 { $keys }。
report-people-note = 密钥按请求数排列。全部密钥见附录。
report-models-intro = 请求计入被调用的模型和最后作答的供应商。在选定之前就被拒绝的请求两者皆无。
report-table-top-keys = 请求最多的 API 密钥
report-table-models = 各模型请求
report-table-providers = 各供应商请求
report-table-all-keys = 用过的全部 API 密钥

report-money-basis = 每次请求在结束时按其目标当时生效的价格计费；之后改价不影响已有记录。不同币种从不相加。
report-money-unpriced =
    { $count ->
       *[other] { $value } 次请求（含失败的）没有定价：费用未知，不按零计。
    }
report-money-none = 本周期和上一周期都没有带定价的请求。
report-table-currencies = 各币种费用
report-table-cost-models = 各模型 { $currency } 费用
report-table-cost-keys = 各 API 密钥 { $currency } 费用

report-reliability-intro = 错误率只计网关和供应商的过错。调用方自身的错误、被限制（本网关或供应商）拒绝和取消的调用分别列出。
report-table-outcomes = 请求如何结束
report-table-times = 响应时间
report-table-provider-times = 供应商
report-outcome-success = 成功
report-outcome-error-upstream = 供应商错误
report-outcome-error-gateway = 网关错误
report-outcome-error-caller = 调用方错误
report-outcome-error-policy = 被规则拒绝
report-outcome-timeout = 超时
report-outcome-cancelled = 调用方取消
report-outcome-rate-limited = 被限制拒绝（本网关或供应商）
report-measure-latency = 完整响应
report-measure-ttft = 首个 token
report-limits-none = 没有请求被本网关或供应商的限制拒绝。
report-limits-intro =
    { $count ->
       *[other] { $value } 次请求被本网关或供应商的限制拒绝。
    }
report-table-limits = 触及限制的 API 密钥

report-hours-forgotten = 本周期的按小时数据已不再保留。
report-hours-intro = 最忙的时段是{ $day } { $from } 至 { $to }，整个周期内共 { $requests } 次请求。时间为 { $zone }。
report-hours-caption = 按星期和小时统计的请求
report-day-mon = 星期一
report-day-tue = 星期二
report-day-wed = 星期三
report-day-thu = 星期四
report-day-fri = 星期五
report-day-sat = 星期六
report-day-sun = 星期日

report-awards-intro = 仅供一乐，规则人人可查。并列则共享；样本太少则空缺。
report-award-nobody = 本期空缺
report-award-more = { $names }等，另有 { $count } 个
report-award-spread = 每日 ± { $share }
report-award-hardworking = 劳模奖
report-award-night-owl = 夜猫子奖
report-award-powerhouse = Token 大户奖
report-award-explorer = 模型探索奖
report-award-efficient = 效率之王
report-award-early-bird = 早起鸟奖
report-award-steady = 稳定发挥奖
report-award-rule-hardworking = 请求最多。
report-award-rule-night-owl = 零点到 6 点的请求最多。
report-award-rule-powerhouse = Token 最多。
report-award-rule-explorer = 用过的模型最多，至少两个。
report-award-rule-efficient = 成功请求平均用时最短，至少 20 次。
report-award-rule-early-bird = 6 点到 10 点的请求占自身比例最高，至少 20 次请求。
report-award-rule-steady = 每日请求数波动最小，至少用过 5 天且有 20 次请求。

report-advice-nothing = 这些数据中没有需要关注的事项。
report-advice-by-rule = 由固定规则从本报告的数据得出。
report-by-model = 由模型 { $model } 根据本报告的数据撰写；数据来自网关。
report-advice-errors = 失败的请求较多
report-advice-text-errors = 错误率为 { $rate }，其中 { $share } 来自{ $provider }：请检查其健康状况和凭证，并为其模型增加第二个目标。
report-advice-timeouts = 请求超时
report-advice-text-timeouts = { $timeouts } 次请求（{ $rate }）超时，以{ $model }为最多。上下文越长用时越久：请检查其供应商的超时设置，或换用更快的目标。
report-advice-refused = 经常触及限制
report-advice-text-refused = { $refused } 次请求（{ $rate }）被本网关或供应商的限制拒绝，其中 { $most } 次属于{ $key }。错误分析页会说明是谁的限制。
report-advice-slower = 响应比以前慢
report-advice-text-slower = 95% 的响应用时不超过 { $now }，上一周期为 { $before }。请在可靠性一章比较各供应商的用时。
report-advice-callers = 有程序在发送不可能成功的调用
report-advice-text-callers = { $key }有 { $errors } 次请求（占自身 { $rate }）是调用方错误：参数有误，或上下文过长。其持有人应查看请求日志中的错误。
report-advice-prices = 缺少定价
report-advice-text-prices = { $requests } 次成功请求没有定价，其中包括对{ $models }的请求。请为这些模型设定价格，使费用完整。
report-advice-dearer = 费用大幅上升
report-advice-text-dearer = 本周期花费 { $now }，上一周期为 { $before }。差额主要来自{ $model }。可为密钥或模型设置预算加以控制。
report-advice-one-provider = 几乎全部依赖一家供应商
report-advice-text-one-provider = { $provider }承担了 { $share } 的请求。一旦故障几乎没有退路：为最常用的模型增加第二个目标更为稳妥。
report-advice-cached = 缓存利用率低
report-advice-text-cached = { $input } 个输入 token 中只有 { $share } 来自供应商缓存。若程序保持提示词开头不变，供应商收费更低。
report-advice-idle = 有密钥未被使用
report-advice-text-idle =
    { $count ->
       *[other] { $keys }在本周期未被使用，包括{ $names }。无人需要的密钥可以吊销。
    }

report-term-request = 请求
report-meaning-request = 对网关的一次已结束的调用，包括被拒绝的。
report-term-key = API 密钥
report-meaning-key = 程序或个人调用网关的凭证。只要在周期内用过，已吊销的密钥也会列出。
report-term-tokens = Token
report-meaning-tokens = 输入、读写缓存的输入、输出和隐藏推理，以供应商计数为准；供应商不提供时为估算。
report-term-cost = 费用
report-meaning-cost = Token 乘以请求结束时生效的价格，以该价格的币种计。
report-term-error-rate = 错误率
report-meaning-error-rate = 由网关或供应商造成的错误与超时，除以既未被拒绝、也未取消、且不属调用方错误的请求。
report-term-timeout = 超时
report-meaning-timeout = 供应商未作答或中途沉默，超过了设定的时间。
report-term-refused = 被拒绝
report-meaning-refused = 因达到速率、并发或预算限制而未放行，不产生费用。
report-term-p95 = p95
report-meaning-p95 = 95% 的成功请求用时不超过此值，精度以保存用时的分档为准。
report-term-ttft = 首个 token
report-meaning-ttft = 从请求到达到流式回答的首个 token。
report-term-before = 上一周期
report-meaning-before = 紧邻之前、天数相同的时段；若本周期尚未结束，则只取其中已过去的同等部分。

report-column-key = API 密钥
report-column-user = 账户
report-column-model = 模型
report-column-provider = 供应商
report-column-top-model = 最常用模型
report-column-requests = 请求
report-column-share = 占比
report-column-share-of-own = 占自身
report-column-change = 变化
report-column-tokens = Token
report-column-cost = 费用
report-column-cost-before = 此前
report-column-currency = 币种
report-column-error-rate = 错误率
report-column-timeouts = 超时
report-column-p50 = p50
report-column-p95 = p95
report-column-p99 = p99
report-column-p95-before = 此前 p95
report-column-ttft-p95 = 首个 token p95
report-column-day = 日期
report-column-outcome = 结果
report-column-measure = 指标
report-column-refused = 被拒绝
report-column-active-days = 天数

report-sheet-summary = 摘要
report-sheet-keys = 密钥
report-sheet-days = 每日
report-sheet-models = 模型
report-sheet-providers = 供应商
report-sheet-statuses = 结果
