{{/* The name of an object that may be in another namespace, where releases of one name from two namespaces must not meet; takes a list of the root, the namespace and perhaps a suffix. */}}
{{- define "customimage-operator.nameIn" -}}
{{- $root := index . 0 -}}
{{- $suffix := slice . 2 -}}
{{- if eq (index . 1) $root.Release.Namespace -}}
{{- include "customimage-operator.bounded" (concat (list (include "customimage-operator.fullname" $root)) $suffix | join "-") -}}
{{- else -}}
{{- include "customimage-operator.clusterName" (concat (list $root) $suffix) -}}
{{- end -}}
{{- end -}}

{{/* The label `job` of the metrics, whichever monitor scrapes them. */}}
{{- define "customimage-operator.job" -}}
{{- include "customimage-operator.suffixed" (list . "metrics") -}}
{{- end -}}
