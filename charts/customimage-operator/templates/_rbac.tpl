{{/* What the operator may do, and no more. */}}

{{- define "customimage-operator.imageRules" -}}
- {apiGroups: [parallelcluster.dev], resources: [customimages], verbs: [list, watch]}
- {apiGroups: [parallelcluster.dev], resources: [customimages/status], verbs: [patch, update]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
{{- end -}}

{{/* A name cannot be demanded of a create. */}}
{{- define "customimage-operator.leaseRules" -}}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [{{ include "customimage-operator.fullname" . | quote }}], verbs: [get, update]}
{{- end -}}

{{/* Who a caller of the API is, and what it may do. */}}
{{- define "customimage-operator.reviewRules" -}}
- {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
- {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}
{{- end -}}

{{- define "customimage-operator.grantMetadata" -}}
{{- $root := index . 0 -}}
{{- with index . 1 -}}
name: {{ .name }}
{{- with .scope }}
namespace: {{ . | quote }}
{{- end }}
labels: {{- include "customimage-operator.labels" $root | nindent 2 }}
{{- end -}}
{{- end -}}
