{{/* What the operator's pods and the pod of `helm test` share. */}}

{{- define "customimage-operator.image" -}}
{{- $repository := .Values.image.repository -}}
{{- with (.Values.global | default dict).imageRegistry -}}
{{- /* In place of the host, if the repository has one. */ -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $repository "") -}}
{{- end -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ $repository }}@{{ .digest }}
{{- else -}}
{{ $repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Secrets to pull the image with, ours and those of all charts: {secrets: [{name}]}. */}}
{{- define "customimage-operator.pullSecrets" -}}
{{- $secrets := .Values.imagePullSecrets -}}
{{- range (.Values.global | default dict).imagePullSecrets -}}
{{- $secrets = append $secrets (kindIs "map" . | ternary . (dict "name" .)) -}}
{{- end -}}
{{- dict "secrets" (uniq $secrets) | toJson -}}
{{- end -}}

{{- define "customimage-operator.repositoryRequired" }}

image.repository is required: the repository that holds the operator's image.
Build one from a checkout with `make image` (an OCI archive) or `docker build` (see README.md, Install), push it,
and install with --set image.repository=REGISTRY/customimage-operator
{{ end -}}

{{/* The port of a URL. */}}
{{- define "customimage-operator.port" -}}
{{- $url := urlParse . -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}

{{/* Hosts that no proxy may come between: the API server, and where the pod's credentials come from. */}}
{{- define "customimage-operator.noProxy" -}}
{{- $always := list "kubernetes.default.svc" "$(KUBERNETES_SERVICE_HOST)" "169.254.169.254" "169.254.170.23" "fd00:ec2::254" "fd00:ec2::23" -}}
{{- join "," (concat $always .Values.proxy.noProxy) -}}
{{- end -}}

{{/* Variables by name; an empty one is left out. */}}
{{- define "customimage-operator.variables" -}}
AWS_REGION: {{ .Values.aws.region | quote }}
AWS_ENDPOINT_URL: {{ .Values.aws.endpointUrl | quote }}
AWS_CA_BUNDLE: {{ .Values.aws.caBundle | empty | ternary "" "/etc/aws-ca/ca.pem" | quote }}
AWS_CONNECT_TIMEOUT: {{ .Values.aws.connectTimeout | quote }}
AWS_ATTEMPT_TIMEOUT: {{ .Values.aws.attemptTimeout | quote }}
AWS_OPERATION_TIMEOUT: {{ .Values.aws.operationTimeout | quote }}
AWS_MAX_ATTEMPTS: {{ .Values.aws.maxAttempts | int | quote }}
CUSTOMIMAGE_AWS_BUDGET: {{ .Values.aws.budget.percent | int | quote }}
CUSTOMIMAGE_AWS_ASSUMED_RATE: {{ .Values.aws.budget.assumedRate | int | quote }}
CUSTOMIMAGE_AWS_ASSUMED_BURST: {{ .Values.aws.budget.assumedBurst | int | quote }}
HTTPS_PROXY: {{ .Values.proxy.https | quote }}
NO_PROXY: {{ .Values.proxy.https | empty | ternary "" (include "customimage-operator.noProxy" .) | quote }}
CUSTOMIMAGE_NAMESPACE: {{ join "," .Values.watchNamespaces | quote }}
CUSTOMIMAGE_CONFIGURATION: /etc/customimage-operator/configuration.yaml
CUSTOMIMAGE_CONFIGURATION_URL: {{ .Values.configurationUrl }}
CUSTOMIMAGE_BUILD_LOGS: {{ .Values.buildLogs.enabled | quote }}
CUSTOMIMAGE_CONCURRENCY: {{ .Values.concurrency | int | quote }}
CUSTOMIMAGE_LEASE_NAME: {{ include "customimage-operator.fullname" . | quote }}
CUSTOMIMAGE_LEASE_DURATION: {{ .Values.lease.duration | quote }}
CUSTOMIMAGE_LEASE_RENEW_DEADLINE: {{ .Values.lease.renewDeadline | quote }}
CUSTOMIMAGE_LEASE_RETRY_PERIOD: {{ .Values.lease.retryPeriod | quote }}
CUSTOMIMAGE_LOG: {{ .Values.log.filter | quote }}
CUSTOMIMAGE_LOG_FORMAT: {{ .Values.log.format }}
{{- range $key, $time := .Values.timing }}
CUSTOMIMAGE_{{ snakecase $key | upper }}: {{ $time | quote }}
{{- end }}
{{- include "customimage-operator.apiVariables" . }}
{{- end -}}

{{- define "customimage-operator.env" -}}
{{- $variables := include "customimage-operator.variables" . | fromYaml -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- if .Values.api.enabled }}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- end }}
{{- range $name, $value := $variables }}
{{- if $value }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The container; takes a list of the root and the command's arguments. */}}
{{- define "customimage-operator.container" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
image: {{ include "customimage-operator.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: {{ rest . | toJson }}
env:
  {{- include "customimage-operator.env" $root | nindent 2 }}
{{- with $root.Values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- toYaml $root.Values.securityContext | nindent 2 }}
volumeMounts:
  # A whole directory: a subPath would not follow the ConfigMap.
  - {name: configuration, mountPath: /etc/customimage-operator, readOnly: true}
  {{- if $root.Values.aws.caBundle }}
  - {name: aws-ca, mountPath: /etc/aws-ca, readOnly: true}
  {{- end }}
  {{- if $root.Values.api.enabled }}
  # A whole directory, too: a renewed certificate must arrive.
  - {name: api-certificate, mountPath: /etc/api-certificate, readOnly: true}
  {{- end }}
  {{- with $root.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "customimage-operator.podSpec" -}}
serviceAccountName: {{ include "customimage-operator.serviceAccountName" . | quote }}
automountServiceAccountToken: true
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
dnsPolicy: {{ .Values.dnsPolicy }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds | int }}
{{- with (include "customimage-operator.pullSecrets" . | fromJson).secrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- range $field := list "priorityClassName" "dnsConfig" "hostAliases" "affinity" "nodeSelector" "tolerations" }}
{{- with get $.Values $field }}
{{ $field }}: {{ toJson . }}
{{- end }}
{{- end }}
volumes:
  - name: configuration
    configMap: {name: {{ include "customimage-operator.fullname" . | quote }}}
  {{- with .Values.aws.caBundle.configMap }}
  - name: aws-ca
    configMap: {name: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: ca.pem}]}
  {{- end }}
  {{- with .Values.aws.caBundle.secret }}
  - name: aws-ca
    secret: {secretName: {{ .name | quote }}, items: [{key: {{ .key | quote }}, path: ca.pem}]}
  {{- end }}
  {{- if .Values.api.enabled }}
  - name: api-certificate
    # For any user that the cluster assigns: the files are root's.
    secret: {secretName: {{ .Values.api.certificateSecret | quote }}, defaultMode: 0444}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
