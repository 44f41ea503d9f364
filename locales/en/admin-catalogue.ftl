admin-catalogue-title = Catalogue
admin-catalogue-lead = What is publicly known of models of well-known vendors ({ $source }), beside what is set here. Nothing changes before you tick it; vendors change their prices, so look at theirs before you do.
admin-catalogue-source = { $name } { $revision }, as of { $day }
admin-catalogue-all = All models
admin-catalogue-model = Model
admin-catalogue-from = Row of the catalogue
admin-catalogue-tick = Take over for { $model }
admin-catalogue-missing = Not known here
admin-catalogue-missing-hint = A tick fills in what is empty.
admin-catalogue-otherwise = Set otherwise here
admin-catalogue-otherwise-hint = A tick replaces what is set. A new price holds from now on. Prices in another currency are left alone.
admin-catalogue-nothing = The catalogue adds nothing to what is set here.
admin-catalogue-unknown = Not in the catalogue
admin-catalogue-unknown-hint = Served by no vendor that the catalogue has, or under a name that it does not list. What is not known stays empty.
admin-catalogue-price = Price per million tokens: { $here } → { $there }
admin-catalogue-price-target = Price per million tokens at this vendor: { $here } → { $there }
admin-catalogue-price-write = Cache write
admin-catalogue-price-reasoning = Reasoning
admin-catalogue-dearer = The vendor asks more for prompts above { $above } tokens; that is not billed here.
admin-catalogue-taken =
    { $count ->
        [0] Nothing was ticked.
        [one] One row was taken over.
       *[other] { $value } rows were taken over.
    }
admin-catalogue-filled = From the catalogue ({ $source })
admin-catalogue-more = The catalogue ({ $source }) says more of this model.
admin-catalogue-look = Compare
