user-models-title = 可用模型
user-models-none = 此密钥没有可用的模型
user-models-none-body = 请联系网关管理员开放模型。
user-models-name = 模型
user-models-kind = 用途
user-models-kind-chat = 对话
user-models-kind-embedding = 向量
user-models-context = 上下文
user-models-output = 最大输出
user-models-cost = 每百万 Token 价格
user-models-price = 输入 { $input }，输出 { $output }
user-models-cached = 缓存 { $price }
user-models-unpriced = 未设价格
user-models-now = 当前
user-models-state-call = 可用
user-models-state-wait = 繁忙，请求需排队
user-models-state-fall-back = 由其他模型应答
user-models-state-refuse = 被规则拒绝
user-models-state-fail = 不可用
user-models-tools = 工具设置
user-models-tools-for = { $model } 的工具设置
user-models-note = 上下文与输出以 Token 计。“当前”表示此刻你发出的请求会得到的结果，已计入限额。
user-models-takes = 可接受的输入
user-models-calls-tools = 工具调用
user-models-advice = 选哪个模型
user-models-advice-days =
    { $count ->
       *[other] 最近 { $value } 天
    }
user-models-advice-points = { $points } 分（满分 100）
user-models-advice-own = 根据你自己的调用
user-models-advice-all = 根据全部密钥的调用
user-models-advice-formula = 100 ×（0.55 × 可靠性 + 0.30 × 速度 + 0.15 × 样本）。可靠性：1 − 1.5 × 网关或供应商出错的调用占比，不低于 0。速度：1 /（1 + 平均耗时 / 2.5 秒），没有成功回答时为 0。样本：调用数 / 20，最多为 1。此密钥对某模型的调用达到 20 次时按自己的调用评分，否则按全部密钥的调用评分。
user-models-reason-none = 最近没有调用，情况未知。
user-models-reason-few =
    { $count ->
       *[other] 只有 { $calls } 次调用可供判断：平均 { $time }，失败 { $rate }。
    }
user-models-reason-failing = 经常失败：{ $calls } 次调用中失败 { $rate }。
user-models-reason-slow = 能回答但较慢：{ $calls } 次调用平均 { $time }，失败 { $rate }。
user-models-reason-good = 可靠：{ $calls } 次调用中失败 { $rate }，平均 { $time }。
user-models-reason-mixed = 基本可靠：{ $calls } 次调用中失败 { $rate }，平均 { $time }。
user-models-hours = 何时调用
user-models-hours-best = 最佳
user-models-hours-worst = 最差
user-models-hours-few =
    { $count ->
        [0] 调用太少，无法判断：没有任何一个小时有足够的调用。
       *[other] 调用太少，无法判断：一天中只有 { $value } 个小时有足够的调用。
    }
user-models-hours-alike = 何时调用都一样：各个时段表现相同。
user-models-hours-of =
    { $count ->
       *[other] 最近 { $value } 天全部密钥对你可用模型的调用。
    }
user-models-hours-all = 每个小时，以及分数如何得出
user-models-hours-formula = 100 ×（0.45 × 错误 + 0.35 × 速度 + 0.20 × 限额）。错误：网关或供应商出错的调用占比不超过 1% 得满分，达到 18% 得零分。速度：平均不超过 1.8 秒得满分，达到 15 秒得零分。限额：没有被限额拒绝得满分，达到 20% 得零分。其间均匀递减。一个小时至少 20 次调用才计入，至少需要六个这样的小时。
user-models-hour = 小时
user-models-hour-calls = 调用
user-models-hour-failed = 失败
user-models-hour-time = 平均耗时
user-models-hour-points = 分数
user-models-phrasing = 模型正在组织语言……
user-models-phrased = 由模型 { $model } 根据这些数据撰写，可能有误。
