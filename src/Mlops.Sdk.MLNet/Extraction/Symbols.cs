namespace Mlops.Sdk.MLNet;

/// <summary>What is known of a column while the chain is walked: how it is made from the inputs.</summary>
internal abstract record Symbol;

/// <summary>A text input as it is.</summary>
internal sealed record TextSymbol(string Input) : Symbol;

/// <summary>A text input as the number of its category.</summary>
internal sealed record KeySymbol(string Input, IReadOnlyList<string> Categories) : Symbol;

/// <summary>A number input after some steps.</summary>
internal sealed record NumberSymbol(NumberFeature Feature) : Symbol;

/// <summary>Several slots.</summary>
/// <param name="Parts">The slots.</param>
/// <param name="Names">The name of each slot, shape [slots]; empty for one without a name.</param>
internal sealed record VectorSymbol(IReadOnlyList<ProgramFeature> Parts, IReadOnlyList<string> Names) : Symbol
{
    /// <summary>Gets why ML.NET's count of the vector's stored values, on which the order of a dot product depends, cannot be told; or null.</summary>
    internal string? Density { get; init; }
}

/// <summary>A column that is not understood. It does harm only if a prediction depends on it.</summary>
internal sealed record UnknownSymbol(string Why) : Symbol;

/// <summary>The chain holds something that a program cannot say.</summary>
internal sealed class NotExtractableException(string why) : Exception(why);
