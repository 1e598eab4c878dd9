{{/* The minimal IAM policies, as JSON. */}}

{{/* Every read; takes the root and the account of the ARNs. */}}
{{- define "customimage-operator.reads" -}}
{{- $arn := printf "arn:%s" .root.Values.aws.partition -}}
- {Sid: Images, Effect: Allow, Action: "ec2:DescribeImages", Resource: "*"}
- {Sid: Stacks, Effect: Allow, Action: ["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource"], Resource: "{{ $arn }}:cloudformation:*:{{ .account }}:stack/*"}
- {Sid: Builds, Effect: Allow, Action: "imagebuilder:GetImage", Resource: "{{ $arn }}:imagebuilder:*:{{ .account }}:image/parallelclusterimage-*"}
{{- if eq .root.Values.configurationUrl "presigned" }}
- {Sid: Buckets, Effect: Allow, Action: "s3:ListBucket", Resource: "{{ $arn }}:s3:::parallelcluster-*"}
- {Sid: Configurations, Effect: Allow, Action: "s3:GetObject", Resource: "{{ $arn }}:s3:::parallelcluster-*/*"}
{{- end }}
{{- end -}}

{{/* The roles of the identities: {roles: […]}. */}}
{{- define "customimage-operator.roles" -}}
{{- $roles := list -}}
{{- range .Values.identities }}{{ with .roleArn }}{{ $roles = append $roles . }}{{ end }}{{ end -}}
{{- dict "roles" (uniq $roles) | toJson -}}
{{- end -}}

{{/* What the pod's own role needs: the reads unless no identity uses it, and to assume the identities' roles. */}}
{{- define "customimage-operator.policy" -}}
{{- $reads := include "customimage-operator.reads" (dict "root" . "account" (.Values.aws.accountId | default "*")) | fromYamlArray -}}
{{- $nobodys := false -}}
{{- $borrowed := false -}}
{{- range .Values.identities -}}
{{- $none := and (hasKey . "namespaces") (empty .namespaces) -}}
{{- if eq .name "default" }}{{ $nobodys = $none }}{{ else if not (or $none .roleArn) }}{{ $borrowed = true }}{{ end -}}
{{- end -}}
{{- if and $nobodys (not $borrowed) }}{{ $reads = list }}{{ end -}}
{{- with (include "customimage-operator.roles" . | fromJson).roles -}}
{{- $actions := $.Values.aws.podIdentity | ternary (list "sts:AssumeRole" "sts:TagSession") "sts:AssumeRole" -}}
{{- $reads = append $reads (dict "Sid" "Identities" "Effect" "Allow" "Action" $actions "Resource" .) -}}
{{- end -}}
{{- dict "Version" "2012-10-17" "Statement" $reads | toPrettyJson -}}
{{- end -}}

{{/* What each role of an identity needs, in its own account. */}}
{{- define "customimage-operator.rolePolicy" -}}
{{- dict "Version" "2012-10-17" "Statement" (include "customimage-operator.reads" (dict "root" . "account" "*") | fromYamlArray) | toPrettyJson -}}
{{- end -}}
