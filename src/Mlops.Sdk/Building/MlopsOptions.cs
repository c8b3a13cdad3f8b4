using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk;

/// <summary>Where the workspace is and who this host says it is. Configuration section: <c>Mlops</c>.</summary>
public sealed class MlopsOptions
{
    /// <summary>The name of the configuration section.</summary>
    public const string Section = "Mlops";

    /// <summary>Gets or sets the folder that holds everything, made when it is not there. Not used when a store was given.</summary>
    /// <value>A path, absolute or relative to the working directory. The default is <c>mlops-data</c>.</value>
    [Required]
    [MinLength(1)]
    public string Folder { get; set; } = "mlops-data";

    /// <summary>Gets or sets the name under which this host appears in deployments; null for the machine's name.</summary>
    /// <value>At most 128 characters. The default is null.</value>
    [MaxLength(128)]
    public string? Host { get; set; }

    /// <summary>Gets or sets how often the ledger is looked at for what other processes wrote.</summary>
    /// <value>From 20 ms to 1 hour. The default is 250 ms.</value>
    [Range(typeof(TimeSpan), "00:00:00.020", "01:00:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Gets or sets how far apart these looks may grow while nothing comes; null for no slowing down.</summary>
    /// <value>From <see cref="PollInterval"/> to 1 hour. The default is null. Worth setting on a store that bills reads; a new champion is then noticed that much later.</value>
    [Range(typeof(TimeSpan), "00:00:00.020", "01:00:00")]
    public TimeSpan? IdlePollInterval { get; set; }

    /// <summary>Gets or sets how long ledger commits that were folded into a segment stay beside it; the same on all hosts of a store. See <see cref="LedgerOptions.FoldGrace"/>.</summary>
    /// <value>From 1 minute to 30 days. The default is 1 hour.</value>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan FoldGrace { get; set; } = TimeSpan.FromHours(1);
}

[OptionsValidator]
internal sealed partial class MlopsOptionsValidator : IValidateOptions<MlopsOptions>;
