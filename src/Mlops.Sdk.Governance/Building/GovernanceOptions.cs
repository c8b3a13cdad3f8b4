using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Governance;

/// <summary>How strict governance is. Configuration section: <c>Mlops:Governance</c>.</summary>
public sealed class GovernanceOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Governance";

    /// <summary>Gets or sets how many different people must approve a version before a protected alias may name it.</summary>
    /// <value>From 0 to 10. The default is 0: no approval is needed.</value>
    [Range(0, 10)]
    public int ApprovalsRequired { get; set; }

    /// <summary>Gets the aliases that need approvals. Configuration adds to them.</summary>
    /// <value>1 to 64 of <c>a-z 0-9 - _</c> each. The default is <c>champion</c>.</value>
    public ICollection<string> ProtectedAliases { get; } = new HashSet<string>(StringComparer.Ordinal) { "champion" };

    /// <summary>Gets or sets whether the approval of whoever registered a version counts for it.</summary>
    /// <value>The default is false: four eyes.</value>
    public bool AuthorMayApprove { get; set; }
}

[OptionsValidator]
internal sealed partial class GovernanceOptionsRanges : IValidateOptions<GovernanceOptions>;

internal sealed class GovernanceOptionsAliases : IValidateOptions<GovernanceOptions>
{
    public ValidateOptionsResult Validate(string? name, GovernanceOptions options)
    {
        if (options.ProtectedAliases.FirstOrDefault(a => !IsAlias(a)) is { } wrong)
        {
            return ValidateOptionsResult.Fail($"{GovernanceOptions.Section}:{nameof(GovernanceOptions.ProtectedAliases)} holds '{wrong}'; an alias is 1 to 64 of 'a-z', '0-9', '-' and '_'.");
        }

        return options.ApprovalsRequired > 0 && options.ProtectedAliases.Count == 0
            ? ValidateOptionsResult.Fail($"{GovernanceOptions.Section}:{nameof(GovernanceOptions.ApprovalsRequired)} is {options.ApprovalsRequired} and {nameof(GovernanceOptions.ProtectedAliases)} is empty: nothing would be protected. Name an alias, or require 0.")
            : ValidateOptionsResult.Success;
    }

    private static bool IsAlias(string? alias) => alias is { Length: >= 1 and <= 64 } && alias.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '_');
}
