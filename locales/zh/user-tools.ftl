user-tools-title = 工具设置
user-tools-lead = 地址和模型已填好。密钥没有填：页面并不知道你的密钥，请替换占位符。
user-tools-agent = 供编码助手执行的版本（OpenCode）
user-tools-assumed = 此模型未设置上限：按上下文 128,000、输出 8,192 Token 填写。
user-tools-checked = 已对照其官方文档
user-tools-unchecked = 未核实
user-tools-settings-of = { $tool } 的设置
user-tools-download = 下载
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
