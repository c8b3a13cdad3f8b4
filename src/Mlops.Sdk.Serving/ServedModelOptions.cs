namespace Mlops.Sdk.Serving;

/// <summary>Says which version of a model is served.</summary>
public sealed record ServedModelOptions
{
    /// <summary>Gets the alias to follow: when it moves, the version it names is loaded aside and swapped in. Not used when <see cref="Version"/> is set.</summary>
    /// <value>1 to 64 of <c>a-z 0-9 - _</c>. The default is <c>champion</c>.</value>
    public string Alias { get; init; } = "champion";

    /// <summary>Gets the version to serve for good, or null to follow <see cref="Alias"/>.</summary>
    /// <value>At least 1, or null. The default is null.</value>
    public int? Version { get; init; }

    /// <summary>Makes options that follow an alias.</summary>
    /// <param name="alias">The alias.</param>
    /// <returns>The options.</returns>
    public static ServedModelOptions Follow(string alias) => new() { Alias = alias };

    /// <summary>Makes options that pin a version.</summary>
    /// <param name="version">The version's number, at least 1.</param>
    /// <returns>The options.</returns>
    public static ServedModelOptions Pin(int version) => new() { Version = version };

    internal void Check()
    {
        if (Version is { } version)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(version, 1, nameof(Version));
        }
        else if (Alias is null || Alias.Length is 0 or > 64 || !Alias.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'))
        {
            throw new ArgumentException($"An alias is 1 to 64 of a-z, 0-9, '-' and '_'; '{Alias}' is not.", nameof(Alias));
        }
    }
}
