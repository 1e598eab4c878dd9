{{/* What contradicts itself in the values: more lists of sentences in JSON. */}}

{{/* Durations that the program would refuse, or that do not fit each other. */}}
{{- define "customimage-operator.wrongTimes" -}}
{{- $wrong := list -}}
{{- $times := dict -}}
{{- range $group, $names := dict "aws" (list "connectTimeout" "attemptTimeout" "operationTimeout") "timing" (keys .Values.timing) "lease" (keys .Values.lease) -}}
{{- range sortAlpha $names -}}
{{- $name := printf "%s.%s" $group . -}}
{{- $value := index $.Values $group . | toString -}}
{{- $milliseconds := include "customimage-operator.milliseconds" $value -}}
{{- $_ := set $times $name (dict "value" $value "is" (float64 $milliseconds)) -}}
{{- if not $milliseconds -}}
{{- $wrong = append $wrong (printf "%s is %q: set a duration with its units, from large to small, such as 500ms, 30s, 1.5h or 1h30m" $name $value) -}}
{{- else if or (le (float64 $milliseconds) 0.0) (gt (float64 $milliseconds) 31536000000.0) -}}
{{- $wrong = append $wrong (printf "%s is %q: set more than zero and at most a year (8760h)" $name $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if empty $wrong -}}
{{- $seconds := .Values.terminationGracePeriodSeconds | int -}}
{{- $_ := set $times "terminationGracePeriodSeconds" (dict "value" (printf "%ds" $seconds) "is" (mulf $seconds 1000)) -}}
{{- range list
  (list "lease.retryPeriod" "lease.renewDeadline" "below" "a leader must be able to try again before it gives up")
  (list "lease.renewDeadline" "lease.duration" "below" "a leader must stop before another one may lead")
  (list "timing.absentInterval" "timing.absentIntervalMax" "at most" "the first interval is the shortest one")
  (list "timing.errorInterval" "timing.errorIntervalMax" "at most" "the first pause is the shortest one")
  (list "timing.shutdownTimeout" "terminationGracePeriodSeconds" "below" "the kubelet would kill the pod before its reconciles have ended") -}}
{{- $less := get $times (index . 0) -}}
{{- $more := get $times (index . 1) -}}
{{- $isBelow := eq (index . 2) "below" -}}
{{- if or (gt $less.is $more.is) (and $isBelow (eq $less.is $more.is)) -}}
{{- $fix := $isBelow | ternary "set %s below %s, or %s above %s" "set %s to at most %s, or %s to at least %s" -}}
{{- $fix = printf $fix (index . 0) $more.value (index . 1) $less.value -}}
{{- $wrong = append $wrong (printf "%s is %s, %s %s: %s; %s" (index . 0) $less.value (index . 1) $more.value (index . 3) $fix) -}}
{{- end -}}
{{- end -}}
{{- $lease := get $times "lease.duration" -}}
{{- if ne (mulf (floor (divf $lease.is 1000)) 1000) $lease.is -}}
{{- $wrong = append $wrong (printf "lease.duration is %s: a Lease counts whole seconds; set one such as 15s" $lease.value) -}}
{{- end -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}

{{/* Identities that the program would refuse, beside wrong forms. */}}
{{- define "customimage-operator.wrongIdentities" -}}
{{- $wrong := list -}}
{{- $names := list -}}
{{- range $index, $identity := .Values.identities -}}
{{- $where := printf "identities[%d] (%s)" $index .name -}}
{{- if has .name $names -}}
{{- $wrong = append $wrong (printf "%s: another identity has the same name, and a CustomImage could not say which one it means; rename one" $where) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- if and (eq .name "default") (hasKey . "roleArn") -}}
{{- $wrong = append $wrong (printf "%s: this is the pod's own role and takes no roleArn; give the identity another name" $where) -}}
{{- end -}}
{{- range list "externalId" "sessionName" -}}
{{- if and (hasKey $identity .) (not (hasKey $identity "roleArn")) -}}
{{- $wrong = append $wrong (printf "%s: %s needs a roleArn; set one, or remove it" $where .) -}}
{{- end -}}
{{- end -}}
{{- $both := and (hasKey . "namespaces") (hasKey . "namespaceSelector") -}}
{{- $none := not (or (hasKey . "namespaces") (hasKey . "namespaceSelector") (eq .name "default")) -}}
{{- if or $both $none -}}
{{- $wrong = append $wrong (printf "%s: set exactly one of namespaces and namespaceSelector, which say who may use it; namespaceSelector: {} selects all" $where) -}}
{{- end -}}
{{- range (.namespaceSelector | default dict).matchExpressions -}}
{{- if ne (has .operator (list "In" "NotIn")) (not (empty .values)) -}}
{{- $wrong = append $wrong (printf "%s: namespaceSelector: %s has the operator %s: In and NotIn need values, Exists and DoesNotExist take none" $where .key .operator) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}

{{/* What else cannot work. */}}
{{- define "customimage-operator.contradictions" -}}
{{- $wrong := list -}}
{{- if not .Values.enabled -}}
{{- $wrong = append $wrong "enabled is false: only a parent chart can leave this one out, with condition: customimage-operator.enabled in its dependencies; set it there, or helm uninstall the release" -}}
{{- end -}}
{{- $name := include "customimage-operator.fullname" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $name) -}}
{{- $wrong = append $wrong (printf "the objects would have the name %q, and a Service takes only small letters, digits and hyphens, with a letter at the beginning; set fullnameOverride" $name) -}}
{{- end -}}
{{- $role := "eks.amazonaws.com/role-arn" -}}
{{- if and .Values.aws.roleArn (not .Values.serviceAccount.create) -}}
{{- $wrong = append $wrong (printf "aws.roleArn is %s, and serviceAccount.create false: annotate the ServiceAccount with %s yourself and unset aws.roleArn, or let the chart create it" .Values.aws.roleArn $role) -}}
{{- end -}}
{{- if and .Values.aws.roleArn (hasKey .Values.serviceAccount.annotations $role) -}}
{{- $wrong = append $wrong (printf "serviceAccount.annotations has %s, which aws.roleArn sets: remove one" $role) -}}
{{- end -}}
{{- $ours := include "customimage-operator.ourLabels" . | fromYaml | merge (include "customimage-operator.podSelector" . | fromYaml) -}}
{{- range $group, $labels := dict "commonLabels" .Values.commonLabels "podLabels" .Values.podLabels "serviceAccount.labels" .Values.serviceAccount.labels "api.service.labels" .Values.api.service.labels -}}
{{- range keys $labels | sortAlpha -}}
{{- if hasKey $ours . -}}
{{- $wrong = append $wrong (printf "%s has %s, which the chart sets: remove it there; nameOverride changes the name" $group .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $rolling := .Values.strategy.rollingUpdate | default dict -}}
{{- $surge := hasKey $rolling "maxSurge" | ternary $rolling.maxSurge 1 | toString -}}
{{- $unavailable := hasKey $rolling "maxUnavailable" | ternary $rolling.maxUnavailable 0 | toString -}}
{{- if and (eq .Values.strategy.type "RollingUpdate") (regexMatch "^0+%?$" $surge) (regexMatch "^0+%?$" $unavailable) -}}
{{- $wrong = append $wrong (printf "strategy.rollingUpdate has maxSurge %s and maxUnavailable %s: no pod could be replaced; set one of them above zero" $surge $unavailable) -}}
{{- end -}}
{{- if and (eq .Values.dnsPolicy "None") (empty .Values.dnsConfig.nameservers) -}}
{{- $wrong = append $wrong "dnsPolicy is None, and dnsConfig.nameservers is empty: the pods would have no DNS server; set some, or another dnsPolicy" -}}
{{- end -}}
{{- if .Values.aws.roleArn -}}
{{- $role := splitList ":" .Values.aws.roleArn -}}
{{- if ne (index $role 1) .Values.aws.partition -}}
{{- $wrong = append $wrong (printf "aws.partition is %s, and aws.roleArn is of %s: the policies would name no resource of it; set aws.partition=%s" .Values.aws.partition (index $role 1) (index $role 1)) -}}
{{- end -}}
{{- if and .Values.aws.accountId (ne (index $role 4) .Values.aws.accountId) -}}
{{- $wrong = append $wrong (printf "aws.accountId is %s, and aws.roleArn is of %s: set the account of the pods' role, or leave it empty" .Values.aws.accountId (index $role 4)) -}}
{{- end -}}
{{- end -}}
{{- $wrong = concat $wrong (include "customimage-operator.wrongMonitoring" . | fromJsonArray) -}}
{{- $wrong = concat $wrong (include "customimage-operator.wrongApi" . | fromJsonArray) -}}
{{- $variables := include "customimage-operator.variables" . | fromYaml -}}
{{- $seen := list -}}
{{- range .Values.extraEnv -}}
{{- if has .name (list "POD_NAME" "CUSTOMIMAGE_LISTEN" "CUSTOMIMAGE_LEADER_ELECTION") -}}
{{- $wrong = append $wrong (printf "extraEnv names %s: the chart needs it as it is; remove it there" .name) -}}
{{- else if and $.Values.api.enabled (eq .name "POD_IP") -}}
{{- $wrong = append $wrong "extraEnv names POD_IP: the API needs it as it is; remove it there" -}}
{{- else if and (not $.Values.api.enabled) (hasPrefix "CUSTOMIMAGE_API_" .name) -}}
{{- $wrong = append $wrong (printf "extraEnv names %s, and api.enabled is false: the API also needs a port, a certificate and rights; remove it there, and set api.enabled=true" .name) -}}
{{- else if get $variables .name -}}
{{- $wrong = append $wrong (printf "extraEnv names %s, which the chart sets: remove it there, and use the value that sets it (README.md of the chart lists them)" .name) -}}
{{- else if has .name $seen -}}
{{- $wrong = append $wrong (printf "extraEnv names %s twice: remove one" .name) -}}
{{- end -}}
{{- if and (hasKey . "value") (hasKey . "valueFrom") -}}
{{- $wrong = append $wrong (printf "extraEnv gives %s a value and a valueFrom: remove one" .name) -}}
{{- end -}}
{{- if and (regexMatch "^AWS_ENDPOINT_URL(_|$)" .name) .value (not (regexMatch "^https?://" .value)) -}}
{{- $wrong = append $wrong (printf "extraEnv gives %s a value that is no URL: begin it with http:// or https://" .name) -}}
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}
