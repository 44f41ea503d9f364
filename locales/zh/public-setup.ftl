public-setup-title = 初始化网关
public-setup-lead = 请设置第一位管理员。此链接只能使用一次。
public-setup-repeat = 再次输入密码
public-setup-create = 创建管理员
public-setup-hint = 至少 { $count } 个字符
public-setup-done = 欢迎，网关已归你管理。
public-setup-gone-title = 此初始化链接已失效
public-setup-gone-body = 可能已经有了管理员，或者链接已经过时。只要还没有管理员，重启网关后控制台会显示新的链接。
