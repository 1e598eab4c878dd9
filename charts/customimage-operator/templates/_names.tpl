{{/* Names and labels. */}}

{{/* A name of at most 63 characters: a longer one keeps its beginning and gets a hash of the whole. */}}
{{- define "customimage-operator.bounded" -}}
{{- if gt (len .) 63 -}}
{{- printf "%s-%s" (trunc 54 . | trimSuffix "-") (sha256sum . | trunc 8) -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "customimage-operator.name" -}}
{{- include "customimage-operator.bounded" (.Values.nameOverride | default .Chart.Name) -}}
{{- end -}}

{{/* The name of namespaced objects, and of the Lease. */}}
{{- define "customimage-operator.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- include "customimage-operator.bounded" (.Values.fullnameOverride | default $full) -}}
{{- end -}}

{{/* The name with a suffix; takes a list of the root and the suffix. */}}
{{- define "customimage-operator.suffixed" -}}
{{- include "customimage-operator.bounded" (printf "%s-%s" (include "customimage-operator.fullname" (index . 0)) (index . 1)) -}}
{{- end -}}

{{/* The name of cluster-wide objects, which two releases must not share: no namespace has a dot. Takes the same list. */}}
{{- define "customimage-operator.clusterName" -}}
{{- $root := index . 0 -}}
{{- $names := prepend (rest .) (include "customimage-operator.fullname" $root) -}}
{{- include "customimage-operator.bounded" (printf "%s.%s" $root.Release.Namespace (join "-" $names)) -}}
{{- end -}}

{{- define "customimage-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "customimage-operator.fullname" .) "default") -}}
{{- end -}}

{{/* What selects the objects of this release; never changes. */}}
{{- define "customimage-operator.selector" -}}
app.kubernetes.io/name: {{ include "customimage-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* What selects the operator's own pods, but not the pod of `helm test`. */}}
{{- define "customimage-operator.podSelector" -}}
{{ include "customimage-operator.selector" . }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "customimage-operator.ourLabels" -}}
{{- $ours := include "customimage-operator.selector" . | fromYaml -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63) -}}
{{- $_ := set $ours "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $ours "app.kubernetes.io/part-of" "customimage-operator" -}}
{{- toYaml $ours -}}
{{- end -}}

{{- define "customimage-operator.labels" -}}
{{- merge (include "customimage-operator.ourLabels" . | fromYaml) .Values.commonLabels | toYaml -}}
{{- end -}}
