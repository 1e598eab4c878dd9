{{/* What is wrong with the values, as lists of sentences in JSON. templates/values/refuse.yaml shows them all at once. */}}

{{/* The places that a path leads to: [{name, value}]. Takes a list of a value, the steps of the path, and the name so far. */}}
{{- define "customimage-operator.places" -}}
{{- $value := index . 0 -}}
{{- $name := index . 2 -}}
{{- $places := list -}}
{{- if empty (index . 1) -}}
{{- if not (kindIs "map" $value) }}{{ $places = list (dict "name" $name "value" (toString $value)) }}{{ end -}}
{{- else -}}
{{- $step := first (index . 1) -}}
{{- $further := list -}}
{{- if and (eq $step "keys") (kindIs "map" $value) -}}
{{- range keys $value | sortAlpha }}{{ $further = append $further (list . (printf "a key of %s" $name)) }}{{ end -}}
{{- else if and (eq $step "*") (kindIs "map" $value) -}}
{{- range $key, $each := $value }}{{ $further = append $further (list $each (printf "%s.%s" $name $key)) }}{{ end -}}
{{- else if and (eq $step "*") (kindIs "slice" $value) -}}
{{- range $index, $each := $value }}{{ $further = append $further (list $each (printf "%s[%d]" $name $index)) }}{{ end -}}
{{- else if and (kindIs "map" $value) (hasKey $value $step) -}}
{{- $further = list (list (get $value $step) (list $name $step | compact | join ".")) -}}
{{- end -}}
{{- $steps := rest (index . 1) -}}
{{- range $further -}}
{{- $places = concat $places (include "customimage-operator.places" (list (index . 0) $steps (index . 1)) | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- toJson $places -}}
{{- end -}}

{{/* Values that do not have their form in files/forms.yaml. */}}
{{- define "customimage-operator.wrongForms" -}}
{{- $wrong := list -}}
{{- $values := omit .Values "" -}}
{{- range $form := .Files.Get "files/forms.yaml" | fromYamlArray -}}
{{- range $form.values -}}
{{- range include "customimage-operator.places" (list $values (splitList "." .) "") | fromJsonArray -}}
{{- if not (regexMatch $form.pattern .value) -}}
{{- $shown := hasKey $form "hide" | ternary "wrong" (include "customimage-operator.shown" .value) -}}
{{- $wrong = append $wrong (printf "%s is %s: %s" .name $shown $form.fix) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}

{{/* A value in a message: without the password of a URL. */}}
{{- define "customimage-operator.shown" -}}
{{- regexReplaceAll "//[^/]*@" . "//…@" | quote -}}
{{- end -}}

{{/* Milliseconds of a duration as the program takes it, or nothing: units from large to small, a fraction only in the last. */}}
{{- define "customimage-operator.milliseconds" -}}
{{- $number := "[0-9]+(\\.[0-9]{1,9})?" -}}
{{- $form := "^" -}}
{{- range list "h" "m" "s" "ms" "(us|µs)" }}{{ $form = printf "%s(%s%s)?" $form $number . }}{{ end -}}
{{- $form = printf "%s([0-9]+ns)?$" $form -}}
{{- if and . (regexMatch $form .) (not (regexMatch "\\.[0-9]+[a-zµ]+[0-9]" .)) -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll (printf "%s[a-zµ]+" $number) . -1 -}}
{{- $unit := regexFind "[a-zµ]+$" . -}}
{{- $size := get (dict "h" "3600000" "m" "60000" "s" "1000" "ms" "1" "us" "0.001" "µs" "0.001" "ns" "0.000001") $unit -}}
{{- $sum = addf $sum (mulf (regexFind $number .) $size) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
{{- end -}}
