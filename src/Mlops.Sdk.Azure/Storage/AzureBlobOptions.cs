using System.ComponentModel.DataAnnotations;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Azure;

/// <summary>How a store works with its container.</summary>
public sealed class AzureBlobOptions
{
    /// <summary>Gets or sets what stands before every key in the container, so that several workspaces share one.</summary>
    /// <value>Segments as of <see cref="ObjectKey"/>, at most 256 characters, without a <c>/</c> at the end. The default is empty: keys are the blobs' names.</value>
    public string Prefix { get; set; } = string.Empty;

    /// <summary>Gets or sets how large a block is, in bytes. What is not longer is written and read in one request; what is longer in blocks, several at a time.</summary>
    /// <value>From 64 KiB to 64 MiB. The default is 8 MiB. A container takes at most 50,000 blocks an object.</value>
    [Range(1 << 16, 1 << 26)]
    public int BlockSize { get; set; } = 1 << 23;

    /// <summary>Gets or sets how many blocks of one object are on their way at the same time.</summary>
    /// <value>From 1 to 64. The default is 4. A large write or read takes up to this many blocks of memory and two more.</value>
    [Range(1, 64)]
    public int Parallelism { get; set; } = 4;

    /// <summary>Gets or sets whether the container is made when it is not there at the first call.</summary>
    /// <value>The default is true. A container that goes away later is an error in any case: it is never made anew.</value>
    public bool CreateContainer { get; set; } = true;

    /// <summary>Gets or sets what a client made by the store works with: retries, timeouts, transport.</summary>
    /// <value>The default is null: the defaults of Azure.Storage.Blobs. Has no meaning for a store of a given client, which has its own.</value>
    public BlobClientOptions? Client { get; set; }

    /// <exception cref="MlopsException">A value is out of its range.</exception>
    internal void Check()
    {
        string[] failures =
        [
            .. new AzureBlobOptionsRanges().Validate(null, this).Failures ?? [],
            .. new AzureBlobOptionsPrefix().Validate(null, this).Failures ?? [],
        ];
        if (failures.Length > 0)
        {
            throw new MlopsException("store.invalid_option", string.Join(' ', failures));
        }
    }
}

[OptionsValidator]
internal sealed partial class AzureBlobOptionsRanges : IValidateOptions<AzureBlobOptions>;

internal sealed class AzureBlobOptionsPrefix : IValidateOptions<AzureBlobOptions>
{
    private const int MaxLength = 256;

    public ValidateOptionsResult Validate(string? name, AzureBlobOptions options) =>
        options.Prefix is { Length: 0 } || (options.Prefix is { Length: <= MaxLength } && ObjectKey.TryParse(options.Prefix, out _))
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"AzureBlobOptions.Prefix must be empty, or segments of a-z, 0-9, '-', '_' and '.' joined by '/', at most {MaxLength} characters and without a '/' at the end.");
}
