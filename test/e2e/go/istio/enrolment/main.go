// Enrolment answers with Istio's own function which pods its CNI agent takes into ambient.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"istio.io/istio/cni/pkg/util"
)

// What the ConfigMap istio-cni-config says, in AMBIENT_ENABLEMENT_SELECTOR and EXCLUDE_NAMESPACES, and the pods.
type question struct {
	Selectors string `json:"selectors"`
	Excluded  string `json:"excluded"`
	Pods      []struct {
		NamespaceLabels map[string]string `json:"namespaceLabels"`
		Pod             corev1.Pod        `json:"pod"`
	} `json:"pods"`
}

type answer struct {
	// As reconcilePod of cni/pkg/nodeagent/informers.go puts it together.
	ShouldBeEnabled   bool `json:"shouldBeEnabled"`
	FullyEnrolled     bool `json:"fullyEnrolled"`
	PartiallyEnrolled bool `json:"partiallyEnrolled"`
}

func answered() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	var selectors []util.EnablementSelector
	if err := yaml.Unmarshal([]byte(asked.Selectors), &selectors); err != nil {
		return err
	}
	compiled, err := util.NewCompiledEnablementSelectors(selectors)
	if err != nil {
		return err
	}
	excluded := util.SplitExcludeNamespaces(asked.Excluded)
	answers := []answer{}
	for _, each := range asked.Pods {
		isExcluded := slices.Contains(excluded, each.Pod.Namespace)
		answers = append(answers, answer{
			ShouldBeEnabled:   compiled.Matches(&each.Pod, each.NamespaceLabels) && !isExcluded,
			FullyEnrolled:     util.PodFullyEnrolled(&each.Pod),
			PartiallyEnrolled: util.PodPartiallyEnrolled(&each.Pod),
		})
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func main() {
	if err := answered(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
