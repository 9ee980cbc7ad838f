using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>How a pull of an image fails: Docker, containerd, Podman, and the registries behind them.</summary>
internal static class ImageExits
{
    private const string Docker = "moby daemon/containerd and distribution/errors.go";
    private const string Containerd = "containerd core/remotes/docker";
    private const string Podman = "containers/image docker/docker_client.go";

    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(ImageRateLimit, "toomanyrequests", Docker),
        new(ImageRateLimit, "pull rate limit", "registry-1.docker.io"),
        new(ImageRateLimit, "429 Too Many Requests", Containerd, "/v2/"),
        new(ImageArchitecture, "no matching manifest for", Docker),
        new(ImageArchitecture, "no match for platform in manifest", Containerd),
        new(ImageArchitecture, "no image found in manifest list for architecture", Podman),
        new(ImageArchitecture, "cannot be used on this platform", Docker, "image operating system"),
        new(ImageArchitecture, "does not match the specified platform", Docker),
        new(ImageDisk, "no space left on device", Docker, "layer"),
        new(ImageDisk, "no space left on device", Docker, "/var/lib/docker"),
        new(ImageDisk, "no space left on device", Containerd, "containerd"),
        new(ImageDisk, "no space left on device", Podman, "/containers/storage"),
        new(ImageDisk, "no space left on device", Podman, "writing blob"),
        new(ImageDisk, "no space left on device", Containerd, "pull"),
        new(ImageRights, "pull access denied", Docker),
        new(ImageRights, "denied: requested access to the resource is denied", Docker),
        new(ImageRights, "denied: permission_denied", "ghcr.io"),
        new(ImageRights, "unauthorized: authentication required", Docker),
        new(ImageRights, "unauthorized", Docker, "/v2/"),
        new(ImageRights, "unauthorized", Docker, "Error response from daemon"),
        new(ImageRights, "denied", Docker, "Error response from daemon: Head"),
        new(ImageRights, "403 Forbidden", Containerd, "/v2/"),
        new(ImageRights, "401 Unauthorized", Containerd, "/v2/"),
        new(ImageRights, "insufficient_scope", Containerd),
        new(ImageRights, "no basic auth credentials", "ECR: distribution errors"),
        new(ImageRights, "invalid username/password", Podman),
        new(ImageMissing, "manifest unknown", Docker),
        new(ImageMissing, "manifest for ", Docker, "not found"),
        new(ImageMissing, "name unknown", "OCI distribution specification: NAME_UNKNOWN"),
        new(ImageMissing, "invalid reference format", "distribution/reference"),
        new(ImageMissing, "repository does not exist", Docker),
        new(ImageMissing, "No such image", Docker),
        new(ImageMissing, ": not found", Containerd, "failed to resolve reference"),
        new(ImageNetwork, "no such host", Docker, "/v2/"),
        new(ImageNetwork, "i/o timeout", Docker, "/v2/"),
        new(ImageNetwork, "TLS handshake timeout", Docker, "/v2/"),
        new(ImageNetwork, "Client.Timeout exceeded", Docker, "/v2/"),
        new(ImageNetwork, "request canceled while waiting for connection", Docker),
        new(ImageNetwork, "connection refused", Docker, "/v2/"),
        new(ImageNetwork, "connection reset by peer", Docker, "/v2/"),
        new(ImageNetwork, "x509: certificate", Docker, "/v2/"),
        new(ImageNetwork, "server gave HTTP response to HTTPS client", Docker),
        new(ImageNetwork, "received unexpected HTTP status: 5", Docker),
        new(ImageNetwork, "error pulling image configuration", Docker),
        new(ImageNetwork, "unexpected EOF", Containerd, "short read"),
        new(ImageNetwork, "filesystem layer verification failed", Docker),
        new(ImageOther, "failed to pull image", "kubernetes pkg/kubelet/images"),
        new(ImageOther, "failed to pull and unpack image", Containerd),
        new(ImageOther, "failed to resolve reference", Containerd),
        new(ImageOther, "failed to register layer", Docker),
        new(ImageOther, "failed to extract layer", Containerd),
        new(ImageOther, "ImagePullBackOff", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageOther, "ErrImagePull", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageOther, "initializing source docker://", Podman),
        new(ImageOther, "unable to copy from source", Podman),
        new(ImageOther, "Error response from daemon", Docker, "https://registry-1.docker.io"),
        new(ImageOther, "/v2/", Docker, "Error response from daemon"),
    ];
}
