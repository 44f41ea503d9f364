user-tools-title = 工具设置
user-tools-lead = 地址和模型已填好。密钥没有填：页面并不知道你的密钥，请替换占位符。
user-tools-agent = 供编码助手执行的版本（OpenCode）
user-tools-assumed = 此模型未设置上限：按上下文 128,000、输出 8,192 Token 填写。
user-tools-checked = 已对照其官方文档
user-tools-unchecked = 未核实
user-tools-settings-of = { $tool } 的设置
user-tools-download = 下载
user-tools-download-without = 下载（不含密钥）
user-tools-shell-unix = 密钥（Linux 和 macOS）
user-tools-shell-windows = 密钥（Windows PowerShell）
user-tools-placeholder = YOUR_API_KEY
user-tools-setup =
    # 为此网关设置 OpenCode

    - 把下面的配置写入 `{ $place }`；文件不存在则新建。仅用于单个项目时，写入项目中的 `opencode.json`。
    - 文件已存在时，保留其他设置，只替换 `provider.modelgate` 和 `model`。
    - 把 API 密钥放在环境变量 `MODELGATE_API_KEY` 中，切勿写入文件。

    可用模型：

    { $models }

    ```json
    { $config }```

    1. 保存文件。
    2. 重启 OpenCode。
    3. 提一个问题，然后在仪表盘查看最近请求。
user-tools-more = 供编码助手使用，或合并到你的文件
user-tools-link = 生成链接
user-tools-link-hint = 一次性链接让编码助手读取如何为此密钥设置 OpenCode，其中不含密钥。
user-tools-renew = 签发新密钥
user-tools-renew-hint = 如果密钥遗失：签发新密钥并填入下方设置。签发前会说明哪个密钥何时失效。
user-tools-renew-title = 为 { $name } 签发新密钥？
user-tools-renew-body = 当前密钥 { $present } 继续有效至 { $until }，之后失效。使用它登录的人需要重新登录。
user-tools-renew-body-again = 当前密钥 { $present } 继续有效至 { $until }，之后失效。更早的密钥 { $previous } 立即失效。使用其中任何一个登录的人需要重新登录。
user-tools-renewed = 这是你的密钥，已填入下方设置。请立即复制，之后不再显示。上一个密钥继续有效一天。
user-tools-merge = 合并
user-tools-merge-hint = 你的 opencode.json：加入此网关，其他内容保持不变。
user-tools-merge-comments = 将被替换的设置中有注释。请先把它们移到 provider.modelgate 之外，以免丢失。
user-tools-merge-long = 此文件超过 256 KB。
user-tools-merge-no-text = 此文件不是 UTF-8 文本。
user-tools-merge-no-object = 此文件不是 OpenCode 配置：它必须是一个 JSON 对象。
user-tools-merge-provider = 此文件中的“provider”不是对象，无法加入内容。
user-tools-merge-broken = 此文件在第 { $line } 行第 { $column } 列有误：那里应为其他内容。
user-tools-link-body =
    { $count ->
       *[other] 请把此链接交给编码助手。它只能使用一次，{ $value } 分钟内有效。
    }
user-tools-setup-old =
    # 密钥不应出现在地址中

    地址会留在历史记录和日志中。如果这个地址中是真实的密钥，请签发新密钥。此页面改用一次性链接打开。
user-tools-setup-gone =
    # 此链接已失效

    链接已被使用，或者已经过期。
user-tools-setup-how =
    # 如何为此网关设置 OpenCode

    这份说明通过一次性链接打开。
user-tools-setup-steps =
    1. 用 API 密钥或账号登录 { $at }。
    2. 选择“生成链接”。
    3. 通过该链接读取 `setup.md?token=…`，只能读取一次。
user-tools-test = 测试
user-tools-test-success = 正常
user-tools-test-danger = 失败
user-tools-test-works = { $model } 已回答 { $tool } 方式的调用，用时 { $took }。
user-tools-test-failed = { $took } 后：{ $said }
user-tools-test-call = 查看该次调用
