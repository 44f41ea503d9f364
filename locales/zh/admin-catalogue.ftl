admin-catalogue-title = 模型目录
admin-catalogue-lead = 知名厂商模型的公开信息（{ $source }）与此处设置的对照。勾选之前不会有任何改动；厂商会调整价格，采用前请先核对厂商的价目。
admin-catalogue-source = { $name } { $revision }，截至 { $day }
admin-catalogue-all = 全部模型
admin-catalogue-model = 模型
admin-catalogue-from = 目录条目
admin-catalogue-tick = 为 { $model } 采用
admin-catalogue-missing = 此处尚不清楚
admin-catalogue-missing-hint = 勾选则填入空缺的内容。
admin-catalogue-otherwise = 此处设置不同
admin-catalogue-otherwise-hint = 勾选则替换现有设置，新价格从现在起生效。以其他货币设置的价格不作比较。
admin-catalogue-nothing = 目录没有可以补充的内容。
admin-catalogue-unknown = 不在目录中
admin-catalogue-unknown-hint = 提供它的厂商不在目录中，或目录没有这个名称。不清楚的内容保持空白。
admin-catalogue-price = 每百万 Token 价格：{ $here } → { $there }
admin-catalogue-price-target = 该厂商每百万 Token 价格：{ $here } → { $there }
admin-catalogue-price-write = 写入缓存
admin-catalogue-price-reasoning = 推理
admin-catalogue-dearer = 提示超过 { $above } Token 时厂商收费更高，此处不按此计费。
admin-catalogue-taken =
    { $count ->
        [0] 没有勾选任何内容。
       *[other] 已采用 { $value } 项。
    }
admin-catalogue-filled = 来自模型目录（{ $source }）
admin-catalogue-more = 模型目录（{ $source }）对该模型还有补充。
admin-catalogue-look = 对照
