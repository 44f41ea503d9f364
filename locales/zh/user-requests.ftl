user-requests-fault = 责任方：
user-requests-advice-none = 无需处理。
user-requests-advice-cancelled = 请求在完成前由你这一侧中断：程序被停止，或不再等待。请求本身没有问题。
user-requests-advice-caller = 请修改请求后重新发送。
user-requests-advice-policy = 你的密钥或网关的规则拒绝了它。请稍候，或联系网关管理员。
user-requests-advice-gateway = 网关出错。请重新发送；若再次发生，请把下方编号告诉网关管理员。
user-requests-advice-upstream = 模型供应商出错。请稍后重试，或换用其他模型。
