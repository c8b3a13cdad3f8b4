namespace Mlops.Sdk;

/// <summary>The base of every error this library raises on its own account.</summary>
/// <remarks>
/// <see cref="Code"/> is stable across versions and listed in docs/errors.md; the message is not: it says what was
/// expected, what was found and what to do, and may get better.
/// </remarks>
public class MlopsException : Exception
{
    /// <summary>Creates an error.</summary>
    /// <param name="code">The stable code, such as <c>registry.version_not_found</c>: lower-case words joined by <c>_</c>, area and error joined by a dot.</param>
    /// <param name="message">What was expected, what was found, what to do.</param>
    /// <param name="innerException">The cause, when there is one.</param>
    public MlopsException(string code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        Code = code;
    }

    /// <summary>Gets the stable code of the error.</summary>
    public string Code { get; }

    /// <summary>Returns the code, the message and the stack trace.</summary>
    /// <returns>The text, starting with the code in brackets.</returns>
    public override string ToString() => $"[{Code}] {base.ToString()}";
}

/// <summary>A thing that was asked for by name does not exist.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsNotFoundException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);

/// <summary>The world changed between reading and writing: the precondition of a write no longer holds.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsConflictException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);

/// <summary>Stored bytes are not the bytes that were written: a digest, a chain or a format does not match.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsIntegrityException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);

/// <summary>The medium below the store refused or failed: no permission, no space, not reachable.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsStorageException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);

/// <summary>A policy, an approval rule or a gate said no.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsDeniedException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);

/// <summary>Data from outside does not fit: an unreadable file, a missing column, a value of the wrong type.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsDataException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);

/// <summary>A model cannot be loaded or cannot answer.</summary>
/// <inheritdoc cref="MlopsException(string, string, Exception)"/>
public sealed class MlopsModelException(string code, string message, Exception? innerException = null)
    : MlopsException(code, message, innerException);
