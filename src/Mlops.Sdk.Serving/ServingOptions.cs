using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Serving;

/// <summary>How this host serves models. Configuration section: <c>Mlops:Serving</c>.</summary>
public sealed class ServingOptions
{
    /// <summary>The name of the configuration section.</summary>
    public const string Section = "Mlops:Serving";

    /// <summary>Gets or sets the name under which this process appears in deployments on the ledger.</summary>
    /// <value>1 to 128 characters, or null for the machine's name and the process id. The default is null.</value>
    [StringLength(128, MinimumLength = 1)]
    public string? Host { get; set; }

    /// <summary>Gets or sets how long to wait, when stopping, for the calls of a model that are under way.</summary>
    /// <value>From 0 to 1 hour. The default is 10 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);
}

[OptionsValidator]
internal sealed partial class ServingOptionsValidator : IValidateOptions<ServingOptions>;
