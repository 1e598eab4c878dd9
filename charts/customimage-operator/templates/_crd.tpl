{{/* Stops before Helm would: a CRD in the cluster that is not this release's, with the commands that hand it over. */}}
{{- define "customimage-operator.refuseForeignCrd" -}}
{{- $name := "customimages.parallelcluster.dev" -}}
{{- $crd := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name -}}
{{- if $crd -}}
{{- $annotations := $crd.metadata.annotations | default dict -}}
{{- $release := get $annotations "meta.helm.sh/release-name" -}}
{{- $namespace := get $annotations "meta.helm.sh/release-namespace" -}}
{{- $manager := get ($crd.metadata.labels | default dict) "app.kubernetes.io/managed-by" -}}
{{- if or (ne $release .Release.Name) (ne $namespace .Release.Namespace) (ne $manager "Helm") -}}
{{- $owner := $release | empty | ternary "no Helm release" (printf "release %s in namespace %s (perhaps uninstalled: the chart keeps the CRD)" $release $namespace) -}}
{{- fail (include "customimage-operator.foreignCrd" (dict "root" . "crd" $name "owner" $owner)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "customimage-operator.foreignCrd" }}

The CRD {{ .crd }} is in the cluster already and belongs to {{ .owner }}.
To hand it over to this release, and keep every CustomImage:

  kubectl label --overwrite crd {{ .crd }} app.kubernetes.io/managed-by=Helm
  kubectl annotate --overwrite crd {{ .crd }} \
    meta.helm.sh/release-name={{ .root.Release.Name }} meta.helm.sh/release-namespace={{ .root.Release.Namespace }}

and repeat (Helm 4: with --force-conflicts, when kubectl made the CRD). To manage the CRD yourself: --set crds.install=false
{{ end -}}
