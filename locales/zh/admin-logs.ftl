admin-logs-search = 请求编号
admin-logs-status = 状态
admin-logs-model = 模型
admin-logs-key = 密钥
admin-logs-provider = 供应商
admin-logs-from = 起始
admin-logs-to = 截止
admin-logs-any = 不限
admin-logs-apply = 筛选
admin-logs-time = 时间
admin-logs-input = 输入
admin-logs-output = 输出
admin-logs-cost = 费用
admin-logs-first-token = 首 Token 秒
admin-logs-total = 总计 秒
admin-logs-unpriced = 未定价
admin-logs-shown =
    { $count ->
       *[other] 本页 { $value } 条请求
    }
admin-logs-no-match = 没有匹配的请求
admin-logs-no-match-body = 没有请求同时符合这些条件。
admin-logs-empty = 还没有请求
admin-logs-empty-body = 凡携带有效密钥的调用都会记录在此，被拒绝的也不例外。
admin-logs-empty-action = 如何发起第一次调用
admin-logs-detail = 请求详情
admin-logs-title-pending = 仍在进行
admin-logs-title-success = 已应答
admin-logs-title-cancelled = 调用方已离开
admin-logs-title-refused = 为什么被拒绝？
admin-logs-title-failed = 为什么失败？
admin-logs-words-pending = { $key } 请求了 { $model }，应答尚未结束。
admin-logs-words-success =
    { $attempts ->
        [0] { $key } 请求了 { $model }，{ $provider } 在 { $after }内作出应答。
        [1] { $key } 请求了 { $model }，{ $provider } 在 { $after }内作出应答。
       *[other] { $key } 请求了 { $model }，{ $provider } 在第 { $attempts } 次尝试后作出应答，共用 { $after }。
    }
admin-logs-words-cancelled = { $key } 在 { $after }后关闭了连接；对 { $provider } 的调用已立即取消。
admin-logs-words-limited-upstream = { $provider } 因其自身的限制拒绝了调用。
admin-logs-words-limited =
    { $repeats ->
        [1] 一项限制拒绝了 { $key } 的这次调用。
       *[other] 一项限制拒绝了 { $key } 的 { $count } 次调用，合并记为一行。
    }
admin-logs-words-timeout = { $provider } 未能及时应答；{ $after }后放弃。
admin-logs-words-policy =
    { $repeats ->
        [1] 本网关的规则不允许 { $key } 进行这次调用。
       *[other] 本网关的规则不允许 { $key } 进行这 { $count } 次调用，合并记为一行。
    }
admin-logs-words-caller = 请求本身有误，需要由调用方修改。
admin-logs-words-gateway = 是本网关出错，与供应商和调用方无关。
admin-logs-words-upstream-status = { $provider } 返回了 { $status }。
admin-logs-words-upstream = 无法连接 { $provider }，或连接中断。
admin-logs-phases = 时间花在哪里
admin-logs-phase-gateway = 网关内部
admin-logs-phase-queue = 排队
admin-logs-phase-connect = 发送
admin-logs-phase-first = 首个 Token
admin-logs-phase-stream = 流式输出
admin-logs-phase-rest = 其余应答
admin-logs-phase-wait = 等待应答
admin-logs-gap = 最长静默 { $gap }
admin-logs-attempts = 尝试
admin-logs-attempt-target = 供应商与密钥
admin-logs-attempt-outcome = 结果
admin-logs-attempt-began = 开始
admin-logs-attempt-took = 用时
admin-logs-receipt = 账单
admin-logs-receipt-bucket = Token 类别
admin-logs-receipt-tokens = 数量
admin-logs-receipt-price = 每百万
admin-logs-receipt-total = 合计
admin-logs-receipt-request = 每次调用
admin-logs-receipt-since = 价格生效于 { $since }。
admin-logs-receipt-nothing = 没有使用 Token。
admin-logs-receipt-estimated = 供应商未返回用量，由本网关估算。
admin-logs-receipt-unpriced = 该模型没有价格，因此不计费用。
admin-logs-facts = 详细信息
admin-logs-fact-fault = 责任方
admin-logs-fact-answer = 应答
admin-logs-fact-vendor = 供应商返回
admin-logs-fact-key = API 密钥
admin-logs-fact-asked = 请求的模型
admin-logs-fact-stream = { $model }（流式）
admin-logs-fact-served = 实际服务
admin-logs-fact-credential = 使用的密钥
admin-logs-fact-reason = 选择原因
admin-logs-fact-attempts = 尝试次数
admin-logs-fact-finish = 结束原因
admin-logs-fact-client = 客户端
admin-logs-fact-session = 会话
admin-logs-fact-endpoint = 接口
admin-logs-fact-size = 请求大小
admin-logs-route-priority = 优先级最高
admin-logs-route-weight = 在同级目标中按权重选出
admin-logs-route-only = 唯一的目标
admin-logs-route-pinned = 调用方指定了供应商
admin-logs-route-next-credential = 前一次尝试失败后，换用同一供应商的另一个密钥
admin-logs-route-retry-after = 按供应商告知的时间再次尝试同一个密钥
admin-logs-route-next-target = 前一次尝试失败后，换用下一个目标
admin-logs-route-last-resort = 没有更健康的选择
admin-logs-failed = 错误或超时
admin-logs-range = 时间范围
admin-logs-range-1h = 最近 1 小时
admin-logs-range-24h = 最近 24 小时
admin-logs-range-7d = 最近 7 天
admin-logs-range-30d = 最近 30 天
admin-logs-asked = 请求的模型
admin-logs-error = 错误
admin-logs-fault = 责任方
admin-logs-tries = 尝试次数
admin-logs-queue = 排队秒数
admin-logs-endpoint = 接口
admin-logs-finish = 结束原因
admin-logs-session = 会话
admin-logs-address = 地址
admin-logs-client = 客户端
admin-logs-columns = 列
admin-logs-follow = 实时跟踪
admin-logs-stop = 停止跟踪
admin-logs-following = 正在跟踪：新的和进行中的请求会自动出现；没有 JavaScript 时请刷新页面。
admin-logs-news =
    { $count ->
        [0] 自 { $since } 以来没有请求结束。
       *[other] 自 { $since } 以来有 { $value } 个请求结束。
    }
admin-logs-views = 视图
admin-logs-view-all = 全部
admin-logs-view-name = 将当前内容保存为
admin-logs-view-share = 与所有能看日志的人共享
admin-logs-view-opens-too = 打开日志时使用它
admin-logs-view-save = 保存视图
admin-logs-view-saved = 已保存视图 { $name }。
admin-logs-view-delete = 删除视图 { $name }
admin-logs-view-deleted = 已删除视图 { $name }。
admin-logs-view-of = 由 { $name } 共享
admin-logs-view-shared = 已共享
admin-logs-view-open = 设为默认
admin-logs-view-open-with = 打开日志时使用 { $name }
admin-logs-view-open-none = 打开日志时显示全部
admin-logs-view-is-opening = 默认视图
admin-logs-view-opens = 打开日志时将使用 { $name }。
admin-logs-view-opens-all = 打开日志时将显示全部。
admin-logs-view-bad-name = 视图名称需为 1 到 { $most } 个字符。
admin-logs-view-too-many = 您已有 { $most } 个视图：请先删除一个。
admin-logs-match =
    { $count ->
       *[other] 共 { $value } 条请求匹配
    }
admin-logs-match-more = 超过 { $value } 条请求匹配
admin-logs-further = 更多筛选
admin-logs-code = 错误代码
admin-logs-credential = 供应商凭据
admin-logs-upstream = 上游模型
admin-logs-http = HTTP 状态码
admin-logs-vendor-http = 供应商 HTTP 状态码
admin-logs-ended = 已结束
admin-logs-wrong = 供应商或网关出错
admin-logs-unanswered = 失败或被限制拒绝
admin-logs-looked = 已在符合其中一项筛选的最近 { $most } 条请求中查找，直至 { $time }。
admin-logs-no-match-yet = 目前没有匹配的请求
admin-logs-look-on = 继续向前查找
