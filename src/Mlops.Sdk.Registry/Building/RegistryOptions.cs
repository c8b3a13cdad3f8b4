namespace Mlops.Sdk.Registry;

/// <summary>How strict a registry is. Read once, when the registry is made.</summary>
public sealed class RegistryOptions
{
    /// <summary>Gets or sets which stages a version's life has and which moves are legal.</summary>
    /// <value>The default is <see cref="LifecyclePolicy.Default"/>.</value>
    public LifecyclePolicy Lifecycle { get; set; } = LifecyclePolicy.Default;

    /// <summary>
    /// Gets or sets whether an alias may be moved, without saying so explicitly, to a version that breaks the callers of the one it names: one that takes a
    /// column they do not send or another kind of value, or lacks an answer they read. When false such moves are marked in the history and not refused.
    /// </summary>
    /// <value>The default is true.</value>
    public bool RefuseBreakingChanges { get; set; } = true;
}
